/** An intercept as `/api/intercepts` shows it. */
import { formatRule } from '../annotations/header-rule.ts';
import type { Intercept, InterceptState } from '../model/intercept.ts';
import { type InterceptId, objectKey } from '../model/names.ts';
import type { Problem } from '../model/problem.ts';
import type { InterceptUrls } from '../translate/preview-urls.ts';
import type { Rejection } from '../xds/quarantine.ts';
import type { Receipt } from '../xds/receipts.ts';

export interface InterceptReport extends InterceptUrls {
  readonly id: InterceptId;
  readonly key: string;
  readonly preview: { readonly namespace: string; readonly kind: string; readonly name: string };
  /** `namespace/service:port`. */
  readonly target: string;
  readonly state: InterceptState;
  /** For `shadowed`: who won. */
  readonly winner: InterceptId | undefined;
  /** Those that this one shadows. */
  readonly losers: readonly InterceptId[];
  /** Its rule, as one writes it; an alternative a line. */
  readonly match: string | undefined;
  readonly whenUnavailable: string;
  readonly mode: string;
  readonly percent: number;
  /** RFC 3339. */
  readonly expires: string | undefined;
  /** `ip:port` of its ready pods. */
  readonly endpoints: readonly string[];
  readonly problems: readonly Problem[];
  readonly receipt: Receipt & {
    /** By `node.id`: whether the Envoy has acknowledged the intercept as it is now. Only where it is asked for. */
    readonly proxies?: Readonly<Record<string, boolean>>;
  };
}

export interface InterceptSources {
  readonly intercepts: Iterable<Intercept>;
  /** Which of them are reported. */
  readonly isWanted: (intercept: Intercept) => boolean;
  /** By Envoys, over all views. */
  readonly rejections: Iterable<Rejection>;
  readonly receipt: (id: InterceptId) => InterceptReport['receipt'];
  readonly urls: (intercept: Intercept) => InterceptUrls;
}

export function interceptReports({
  intercepts,
  isWanted,
  rejections,
  receipt,
  urls,
}: InterceptSources): readonly InterceptReport[] {
  const all = [...intercepts];
  const losers = Map.groupBy(
    all.filter(({ winner }) => winner !== undefined),
    ({ winner }) => winner,
  );
  const rejected = rejectionsById(rejections);
  return all.filter(isWanted).map((intercept) => {
    const rejection = rejected.get(intercept.id);
    return {
      id: intercept.id,
      key: intercept.key,
      preview: { namespace: intercept.preview.namespace, kind: intercept.preview.kind, name: intercept.preview.name },
      target: intercept.target,
      state: stateOf(intercept, rejected),
      winner: intercept.winner,
      losers: (losers.get(intercept.id) ?? []).map(({ id }) => id),
      match: intercept.rule === undefined ? undefined : formatRule(intercept.rule),
      whenUnavailable: intercept.whenUnavailable,
      mode: intercept.mode,
      percent: intercept.percent,
      expires: intercept.expiresAt === undefined ? undefined : new Date(intercept.expiresAt).toISOString(),
      endpoints: intercept.endpoints.map(({ ip, port }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
      problems: rejection === undefined ? intercept.problems : [...intercept.problems, rejectionProblem(rejection, intercept)],
      ...urls(intercept),
      receipt: receipt(intercept.id),
    };
  });
}

/** What the engine says, unless an Envoy refused it. */
export function stateOf(intercept: Intercept, rejected: ReadonlyMap<InterceptId, Rejection>): InterceptState {
  return intercept.state === 'active' && rejected.has(intercept.id) ? 'rejected' : intercept.state;
}

export function rejectionsById(rejections: Iterable<Rejection>): ReadonlyMap<InterceptId, Rejection> {
  const byId = new Map<InterceptId, Rejection>();
  for (const rejection of rejections) if (rejection.intercept !== undefined) byId.set(rejection.intercept, rejection);
  return byId;
}

/** @param intercept the one to blame; undefined where none is known, or it is gone. */
export function rejectionProblem({ type, name, error }: Rejection, intercept: Intercept | undefined): Problem {
  const message = `Envoy refused the ${type} ${name}: ${error}`;
  if (intercept === undefined) {
    const hint = 'No intercept made it: this is a bug of Detour. Envoys keep the configuration that they have.';
    return { code: 'Rejected', subject: { kind: 'File', key: '.' }, message, hint };
  }
  const { kind, namespace, name: controller } = intercept.preview;
  const subject = { kind: kind === 'Service' ? 'Service' : 'Pod', key: objectKey(namespace, controller) } as const;
  const hint = 'The intercept is left out until it changes; all others are served.';
  return { code: 'Rejected', subject, intercept: intercept.id, message, hint };
}
