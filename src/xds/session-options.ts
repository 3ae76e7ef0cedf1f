/** What a session is told when it begins. */
import type { View } from './view.ts';

export type Protocol = 'sotw' | 'delta';

export interface SessionOptions {
  readonly protocol: Protocol;
  /** Whether the client can ask for all types on it, and not for one alone. */
  readonly isAggregated: boolean;
  /** Whether no names at all mean everything, of types for which they can (W5); they do unless told. */
  readonly hasLegacyWildcard?: boolean;
  readonly view: View;
  /** Makes the nonces of this stream differ from all others' (N1, N2). */
  readonly id: string;
  /** ms */
  readonly now: number;
  /** Routes wait this long for the clusters that they name, in ms (M9). */
  readonly gateMs: number;
  /** A delta response with several resources stays below, in bytes (F8). */
  readonly maxBytes: number;
}
