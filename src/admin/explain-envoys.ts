/** Which Envoys have what an explanation says. */
import type { Explanation } from '../explain/explanation.ts';
import type { InterceptId } from '../model/names.ts';
import type { ProxyStatus } from '../xds/xds.ts';

/** By `node.id`: whether the Envoy has acknowledged what the decision is made of. */
export type EnvoysThatHave = Readonly<Record<string, boolean>>;

export interface EnvoySources {
  readonly proxies: readonly ProxyStatus[];
  readonly holders: (intercept: InterceptId) => ReadonlyMap<string, boolean>;
}

/**
 * Envoys of the scope that was asked about. Where none has it, as for a caller that stands nowhere in particular, those
 * that need the intercept that decides.
 * @param scope its key
 */
export function envoysThatHave(explanation: Explanation, scope: string, { proxies, holders }: EnvoySources): EnvoysThatHave {
  const ids = interceptsOf(explanation);
  const held = ids.map(holders);
  const own = proxies.filter((proxy) => proxy.scope === scope);
  const names = own.length > 0 ? own.map(({ id }) => id) : held.flatMap((each) => [...each.keys()]);
  const behind = new Set(own.filter(({ types }) => types.some(({ sent, acked }) => sent !== acked)).map(({ id }) => id));
  const has = (id: string) => (ids.length > 0 ? held.every((each) => each.get(id) ?? !behind.has(id)) : !behind.has(id));
  return Object.fromEntries([...new Set(names)].sort().map((id) => [id, has(id)]));
}

/** What the request meets. */
function interceptsOf({ outcome, mirror }: Explanation): readonly InterceptId[] {
  const own = 'intercept' in outcome && outcome.intercept !== undefined ? [outcome.intercept] : [];
  return mirror === undefined ? own : [...own, mirror.intercept];
}

/** A line; '' where nobody is connected whom it concerns. */
export function envoysText(envoys: EnvoysThatHave): string {
  const all = Object.entries(envoys);
  if (all.length === 0) return '';
  const missing = all.filter(([, has]) => !has).map(([id]) => id);
  const rest = missing.length === 0 ? '' : `; not yet ${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ', …' : ''}`;
  return `${all.length - missing.length} of ${all.length} connected Envoys have it so${rest}.\n`;
}
