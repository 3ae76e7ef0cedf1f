/** What the two parsers of this room give: see `parse-preview.ts` and `parse-baseline.ts`. */
import type { Declaration } from '../model/intercept.ts';
import type { Problem } from '../model/problem.ts';

export interface ParsedPreview {
  /** undefined: the label is no valid key. */
  readonly key: string | undefined;
  /** undefined: a problem of severity error says why nothing can be served. */
  readonly declaration: Declaration | undefined;
  readonly problems: readonly Problem[];
}

export interface HostClaim {
  /** Lower case, no port. */
  readonly host: string;
  /** '/' or '/a/b', without a slash at the end. */
  readonly prefix: string;
}

export type AllowedMode = 'route' | 'mirror' | 'percent' | 'regex';

/** A baseline Service's own annotations, with their defaults filled in. */
export interface BaselinePolicy {
  readonly hosts: readonly HostClaim[];
  /** Globs over namespace names; empty: none. */
  readonly allowFrom: readonly string[];
  /** Globs over header names, or `baggage[glob]`; empty: the key only. Holds '*': rules may also be broad. */
  readonly allowMatch: readonly string[];
  readonly allowModes: ReadonlySet<AllowedMode>;
  readonly problems: readonly Problem[];
}
