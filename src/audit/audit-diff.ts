/** From what intercepts were and are to the lines that tell of it. No clock and no I/O. */
import { formatRule } from '../annotations/header-rule.ts';
import type { Intercept } from '../model/intercept.ts';
import { type InterceptId, previewOfIntercept } from '../model/names.ts';
import { compareText } from '../model/order.ts';
import { PROBLEMS } from '../model/problem.ts';
import { sameData } from '../model/same-data.ts';
import type { AuditedState, AuditRecord, AuditSubject, ChangeEvent, ChangeRecord, Standing } from './record.ts';

export type AuditedStates = ReadonlyMap<InterceptId, AuditedState>;

const STANDINGS: Readonly<Record<Intercept['state'], Standing>> = {
  active: 'active',
  shadowed: 'shadowed',
  expired: 'expired',
  invalid: 'refused',
  rejected: 'refused',
};

export function auditedState({
  state,
  rule,
  mode,
  percent,
  whenUnavailable,
  expiresAt,
  winner,
  problems,
}: Intercept): AuditedState {
  const standing = STANDINGS[state];
  const errors = problems.map(({ code }) => code).filter((code) => PROBLEMS[code].severity === 'error');
  return {
    standing,
    terms: {
      match: rule === undefined ? null : formatRule(rule),
      ...{ mode, percent, whenUnavailable },
      expires: expiresAt === undefined ? null : new Date(expiresAt).toISOString(),
    },
    problems: standing === 'refused' ? [...new Set(errors)].sort(compareText) : [],
    winner: winner ?? null,
  };
}

/** In the order of the ids. */
export function auditDiff(before: AuditedStates, after: AuditedStates): readonly ChangeRecord[] {
  const ids = [...new Set([...before.keys(), ...after.keys()])].sort(compareText);
  return ids.flatMap((id) => changeOf(id, before.get(id), after.get(id)) ?? []);
}

/** All that is there, as a log begins. */
export function presentRecords(states: AuditedStates): readonly ChangeRecord[] {
  return [...states]
    .sort(([a], [b]) => compareText(a, b))
    .map(([id, state]) => ({ event: 'present', ...subjectOf(id), after: state, before: {} }));
}

/** What is there after these lines: whoever leads begins anew. */
export function replay(records: Iterable<AuditRecord>): AuditedStates {
  const states = new Map<InterceptId, AuditedState>();
  for (const record of records) {
    if (record.event === 'leading') states.clear();
    else if (record.event === 'deleted') states.delete(record.intercept);
    else if ('after' in record && 'intercept' in record) {
      const { intercept, after } = record;
      states.set(intercept, { ...(states.get(intercept) ?? NOTHING), ...after });
    }
  }
  return states;
}

const NOTHING: AuditedState = {
  standing: 'active',
  terms: { match: null, mode: 'route', percent: 100, whenUnavailable: 'baseline', expires: null },
  problems: [],
  winner: null,
};

export function subjectOf(id: InterceptId): AuditSubject {
  const { namespace, key, kind, name } = previewOfIntercept(id);
  // What is behind the preview's four parts is the port that it stands in for.
  const target = id.split('/').slice(4).join('/') as AuditSubject['target'];
  return { intercept: id, namespace, workload: { kind, name }, key, target };
}

function changeOf(id: InterceptId, before: AuditedState | undefined, after: AuditedState | undefined): ChangeRecord | undefined {
  const subject = subjectOf(id);
  if (after === undefined) return before && { event: 'deleted', ...subject, after: {}, before };
  if (before === undefined) return { event: eventOf(undefined, after), ...subject, after, before: {} };
  const names = NAMES.filter((name) => !sameData(before[name], after[name]));
  if (names.length === 0) return undefined;
  return { event: eventOf(before, after), ...subject, after: only(after, names), before: only(before, names) };
}

const NAMES = ['standing', 'terms', 'problems', 'winner'] as const;

function only(state: AuditedState, names: readonly (typeof NAMES)[number][]): Partial<AuditedState> {
  return Object.fromEntries(names.map((name) => [name, state[name]]));
}

/** The most that can be said in one word. */
function eventOf(before: AuditedState | undefined, after: AuditedState): ChangeEvent {
  if (after.standing === 'refused') return 'refused';
  if (before?.standing === after.standing) return 'changed';
  if (after.standing === 'expired') return 'expired';
  if (after.standing === 'shadowed') return 'lost';
  if (before?.standing === 'shadowed') return 'won';
  return before === undefined ? 'created' : 'changed';
}
