/** Where a request carries the key: settings of the control plane, the same for every Envoy. */
export interface Carriers {
  /** Lower case; `x-detour` by default. */
  readonly header: string;
  /** Member of W3C baggage and tracestate; `detour` by default. */
  readonly member: string;
  /** Further header names that are read (and not written), in order. */
  readonly headerAliases: readonly string[];
  /** Further member names that are read (and not written), in order. */
  readonly memberAliases: readonly string[];
}

export const DEFAULT_CARRIERS: Carriers = { header: 'x-detour', member: 'detour', headerAliases: [], memberAliases: [] };

/** What a gateway makes of carriers from outside, where they do not count as they come. */
export type CarrierPolicy =
  | { readonly kind: 'strip' }
  /** `keysFile`: the secrets, as the Envoy finds them; nothing else knows what is in it. */
  | { readonly kind: 'signed'; readonly keysFile: string };

/** Headers of Detour's own, between its Envoys. Fixed: they are no setting. */
export const MARK_HEADER = 'x-detour-decided';
export const STAMP_HEADER = 'x-detour-served-by';
export const UNAVAILABLE_HEADER = 'x-detour-unavailable';
export const SHARD_HEADER = 'x-detour-shard';
/** One private header for each baggage member that a rule names. */
export function baggageHeader(member: string): string {
  return `x-detour-baggage-${member}`;
}

/** Values of the stamp, beside a preview's key. */
export const COPY_BASELINE = 'baseline';
export const COPY_FALLBACK = 'baseline; reason=preview-unavailable';
