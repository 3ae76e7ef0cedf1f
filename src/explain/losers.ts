/** Why the other intercepts of a Service port do not get a request. */
import { formatPredicate } from '../annotations/header-rule.ts';
import type { Intercept } from '../model/intercept.ts';
import { compareText } from '../model/order.ts';
import { PROBLEMS } from '../model/problem.ts';
import type { Regexes } from '../model/re2.ts';
import type { Chosen } from './choice.ts';
import type { Loser, Via } from './explanation.ts';
import { type HeaderLines, textOf } from './headers.ts';
import { mismatch } from './predicates.ts';

export interface Contest {
  readonly key: string | undefined;
  readonly lines: HeaderLines;
  readonly regexes: Regexes;
  /** The intercept that got the request, or its copy. */
  readonly winner: Chosen | undefined;
}

/** @param intercepts of the Service port, in whatever state. */
export function losersOf(intercepts: readonly Intercept[], contest: Contest): readonly Loser[] {
  return intercepts
    .filter(({ id }) => id !== contest.winner?.intercept.id)
    .toSorted((a, b) => compareText(a.id, b.id))
    .map((intercept) => ({ intercept: intercept.id, ...judge(intercept, contest) }));
}

function judge(intercept: Intercept, contest: Contest): Omit<Loser, 'intercept'> {
  if (intercept.state !== 'active') return { code: intercept.state, reason: stateReason(intercept) };
  const { winner } = contest;
  const claim = claimOf(intercept, contest);
  if ('reason' in claim) return { code: 'no-match', reason: claim.reason };
  if (winner === undefined) return { code: 'no-match', reason: 'The Envoy does not look at keys or rules for this request.' };
  const mine = claim.via.by === 'rule' ? 'Its rule matches' : 'The request carries its key';
  if (intercept.mode === 'mirror' && winner.intercept.mode === 'route')
    return {
      code: 'beaten',
      reason: `${mine}, but ${nameOf(winner.intercept)} takes the request, and mirrors get copies only of what nobody takes.`,
    };
  if (winner.via.by === 'rule')
    return {
      code: 'beaten',
      reason: `${mine}, but the rule of ${nameOf(winner.intercept)} comes first: ${ruleText(winner.via)}.`,
    };
  const how = winner.via.by === 'address' ? 'the address is that of' : 'the request names';
  return { code: 'beaten', reason: `${mine}, but ${how} ${nameOf(winner.intercept)}, which goes before every rule.` };
}

function stateReason({ state, winner, problems }: Intercept): string {
  const told = problems.find(({ code }) => PROBLEMS[code].severity === 'error') ?? problems[0];
  if (told !== undefined) return told.message;
  return winner === undefined ? `It is ${state}.` : `It is ${state}: ${winner} has its key for this port.`;
}

/** By which of key and rule the request would be its own, or why by neither. */
function claimOf(intercept: Intercept, { key, lines, regexes }: Contest): { readonly via: Via } | { readonly reason: string } {
  if (key === intercept.key) return { via: { by: 'key' } };
  const alternatives = intercept.rule?.alternatives ?? [];
  const failures: string[] = [];
  for (const alternative of alternatives) {
    const failure = mismatch(alternative, lines, regexes);
    if (failure === undefined) return { via: { by: 'rule', alternative } };
    failures.push(failure);
  }
  const noKey =
    key === undefined
      ? 'The request carries no key'
      : `The request's key is ${JSON.stringify(textOf(key))}, not ${intercept.key}`;
  if (failures.length === 0) return { reason: `${noKey}, and the intercept has no rule.` };
  return { reason: `${noKey}; its rule asks ${failures.join('; or ')}.` };
}

function nameOf({ preview }: Intercept): string {
  return `preview ${preview.key} (${preview.kind} ${preview.namespace}/${preview.name})`;
}

function ruleText(via: Extract<Via, { readonly by: 'rule' }>): string {
  return via.alternative.map(formatPredicate).join(', ');
}
