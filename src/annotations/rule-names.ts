/** Which headers no rule may look at, whatever the Service allows. */
import { DEFAULT_CARRIERS } from '../model/carriers.ts';
import type { Subject } from '../model/rule.ts';

export interface RefusedName {
  /** Continues a sentence that begins with the predicate. */
  readonly what: string;
  readonly fix: string;
}

/** Envoy takes these off a request, or rewrites them, before it chooses a route: a rule would never see them. */
const HOP_BY_HOP: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding']);

/**
 * Why a rule cannot look there; undefined where it can. `x-detour` and everything below it is Detour's own: the key
 * that was found, wherever the request carried it, and the marks between its Envoys. Carriers of other names, which are
 * settings, are ordinary headers to a rule.
 */
export function refusedName(subject: Subject): RefusedName | undefined {
  const { kind, name } = subject;
  const own = DEFAULT_CARRIERS.header;
  if (kind === 'baggage') {
    if (name !== DEFAULT_CARRIERS.member) return undefined;
    return { what: 'is where requests carry the key', fix: 'Requests with the key of a preview go there without a rule.' };
  }
  if (name === own)
    return { what: 'is where requests carry the key', fix: 'Requests with the key of a preview go there without a rule.' };
  if (name.startsWith(`${own}-`)) return { what: "is one of Detour's own headers", fix: 'Use another header.' };
  if (name === 'host')
    return { what: 'is no header that rules may use', fix: 'Rules apply to every host of the Service; use another header.' };
  if (name === 'baggage') return { what: 'looks at baggage as a whole', fix: 'Name a member: baggage[user]=alice.' };
  if (HOP_BY_HOP.has(name)) return { what: 'is a header of the connection, which Envoy removes', fix: 'Use another header.' };
  return undefined;
}
