/** One service that a request came to. */
export interface Hop {
  readonly service: string;
  /** The copy that answered: `baseline` or a key, from the app itself; or what went wrong. */
  readonly copy: string;
  /** What the Envoy in front of it said, in `x-detour-served-by`. */
  readonly servedBy?: string;
}
