/** Whether the previews of a key are live everywhere, and what is missing: from one overview, without asking anybody. */
import { shorten } from '../../model/shorten.ts';
import type { Overview } from './client.ts';
import type { MergedIntercept } from './merge.ts';
import type { ProblemView } from './reports.ts';

export interface ExpectedPods {
  /** `Deployment/api-pr-42`. */
  readonly workload: string;
  readonly pods: PodAddresses;
}

export type Verdict =
  /** Every Envoy that needs it has it. `notes`: what may surprise all the same, a sentence each. */
  | { readonly kind: 'live'; readonly notes: readonly string[] }
  /** A sentence part for each thing that is waited for. */
  | { readonly kind: 'waiting'; readonly lacks: readonly string[] }
  /** Waiting does not mend these, as things are now. */
  | { readonly kind: 'broken'; readonly problems: readonly ProblemView[] };

/** The IPs of each ready pod; one of them is its endpoint. */
export type PodAddresses = readonly (readonly string[])[];

/**
 * @param overview of the key alone
 * @param expected what one workload's endpoints must be, no more and no less; undefined: any will do
 */
export function judge(overview: Overview, key: string, expected: ExpectedPods | undefined): Verdict {
  const { intercepts, previews, troubles, unaccounted } = overview;
  const problems = [
    ...previews.flatMap((preview) => preview.problems),
    ...intercepts.filter(({ state }) => state !== 'active').flatMap((intercept) => intercept.problems),
  ].filter(({ severity }) => severity === 'error');
  if (problems.length > 0) return { kind: 'broken', problems };
  const lacks = [
    ...troubles.map(({ trouble }) => trouble),
    ...unaccounted,
    ...(intercepts.length === 0 ? [nothingYet(overview, key)] : []),
    ...(isUnknown(expected, intercepts) ? [`the control plane does not know ${expected?.workload} yet`] : []),
    ...intercepts.flatMap((intercept) => lackOf(intercept, intercepts, expected) ?? []),
  ];
  if (lacks.length > 0) return { kind: 'waiting', lacks: [...new Set(lacks)] };
  return { kind: 'live', notes: intercepts.flatMap((intercept) => noteOf(intercept) ?? []) };
}

/** Another workload of the key may be live already. */
function isUnknown(expected: ExpectedPods | undefined, intercepts: readonly MergedIntercept[]): boolean {
  return expected !== undefined && intercepts.length > 0 && !intercepts.some(({ workload }) => workload === expected.workload);
}

function nothingYet({ previews }: Overview, key: string): string {
  const [preview] = previews;
  return preview === undefined
    ? `no preview with the key ${key} is known`
    : `${preview.workload} of namespace ${preview.namespace} stands in for nothing`;
}

/** undefined: nothing. */
function lackOf(
  intercept: MergedIntercept,
  all: readonly MergedIntercept[],
  expected: ExpectedPods | undefined,
): string | undefined {
  const { target, workload, endpoints, receipt, behind, state } = intercept;
  if (behind.length > 0) return `${behind.join(', ')} knows ${target} differently`;
  if (state !== 'active') return `${target} is ${state}`;
  if (endpoints.length === 0) return `${workload} has no ready pod for ${target}`;
  if (expected?.workload === workload && !areOf(endpoints.map(ipOf), expected.pods))
    return `the control plane does not yet know all pods of ${workload}`;
  switch (receipt.state) {
    case 'live':
      return undefined;
    case 'noProxy':
      return isOtherPortLive(intercept, all) ? undefined : `no connected Envoy needs ${target}`;
    default:
      return `${receipt.acked} of ${receipt.needed} Envoys have ${target}${missing(intercept)}`;
  }
}

function areOf(ips: readonly string[], pods: PodAddresses): boolean {
  return pods.every((pod) => pod.some((ip) => ips.includes(ip))) && ips.every((ip) => pods.some((pod) => pod.includes(ip)));
}

function missing({ receipt }: MergedIntercept): string {
  const names = Object.entries(receipt.proxies).flatMap(([id, has]) => (has ? [] : [id]));
  if (names.length === 0) return '';
  return `, not yet ${shorten(names.slice(0, 3).join(', '))}${names.length > 3 ? ', …' : ''}`;
}

/** A gateway routes to one port of a Service: nobody can get to the others by Envoy, so no request goes astray there. */
function isOtherPortLive({ workload, namespace, target }: MergedIntercept, all: readonly MergedIntercept[]): boolean {
  return all.some(
    (other) =>
      other.receipt.state === 'live' &&
      other.workload === workload &&
      other.namespace === namespace &&
      serviceOf(other.target) === serviceOf(target),
  );
}

function noteOf({ target, receipt }: MergedIntercept): string | undefined {
  return receipt.state === 'noProxy' ? `No connected Envoy needs ${target}.` : undefined;
}

function serviceOf(target: string): string {
  return target.slice(0, target.lastIndexOf(':'));
}

function ipOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}
