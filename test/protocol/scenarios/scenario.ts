import type { Protocol } from '../../../src/xds/session.ts';
import type { Harness } from '../../support/xds/harness.ts';

/** What the delivery promises, told once and run on both protocols, in a session and over gRPC. */
export interface Scenario {
  /** Numbers of the rules (docs/xds-conformance.md), then what is promised. */
  readonly name: string;
  /** Both unless told. */
  readonly protocols?: readonly Protocol[];
  /** It is about types that wait for each other, or share a stream: there is nothing of it where each has its own. */
  readonly aggregated?: boolean;
  /** Where the clock has to be moved, only a session in this process will do. */
  readonly needsClock?: boolean;
  readonly run: (harness: Harness) => Promise<void>;
}

export const SOTW: readonly Protocol[] = ['sotw'];
export const DELTA: readonly Protocol[] = ['delta'];
