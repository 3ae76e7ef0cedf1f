/** Which predicates keep a rule from taking everybody's traffic (design, section 2). */
import type { Alternative, Predicate } from '../model/rule.ts';

/** Proxies write these on every request, with one of few values. */
const SAME_FOR_ALL: ReadonlySet<string> = new Set([
  'x-b3-flags',
  'x-b3-sampled',
  'x-datadog-sampling-priority',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-prefix',
  'x-forwarded-proto',
  'x-forwarded-scheme',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-original-forwarded-host',
  'x-original-forwarded-proto',
  'x-scheme',
]);

/** Proxies and tracers write these on every request, with a value for each: a whole one is narrow, a piece of it is not. */
const ON_ALL: ReadonlySet<string> = new Set([
  'x-amzn-trace-id',
  'x-b3-parentspanid',
  'x-b3-spanid',
  'x-b3-traceid',
  'x-client-ip',
  'x-cloud-trace-context',
  'x-cluster-client-ip',
  'x-correlation-id',
  'x-datadog-parent-id',
  'x-datadog-trace-id',
  'x-forwarded-for',
  'x-original-forwarded-for',
  'x-real-ip',
  'x-request-id',
  'x-trace-id',
]);

/**
 * Whether no predicate of the alternative is one that most requests fail.
 * @param named headers whose owner says by name that rules may use them: then it is his to know what they hold.
 */
export function isBroadAlternative(alternative: Alternative, named: ReadonlySet<string> = new Set()): boolean {
  return !alternative.some((predicate) => narrows(predicate, named));
}

function narrows({ subject, operator, value }: Predicate, named: ReadonlySet<string>): boolean {
  if (operator === 'regex' || operator === 'present' || operator === 'absent') return false;
  const { kind, name } = subject;
  if (kind === 'header') {
    if (named.has(name)) return true;
    if (SAME_FOR_ALL.has(name) || name.startsWith('x-envoy-')) return false;
    if (ON_ALL.has(name)) return operator === 'exact';
  }
  // Most values have an `a` or an `e` somewhere.
  return operator !== 'contains' || value.length > 1;
}
