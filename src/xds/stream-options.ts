/** What a stream has of the server around it. */
import type { Admission } from './admission.ts';
import type { Pass } from './gate.ts';
import type { NodeClaims } from './node-claims.ts';
import type { XdsObserver } from './observer.ts';
import type { Protocol } from './session.ts';
import type { RequestLimits } from './stream-request.ts';
import type { Views } from './views.ts';

export interface StreamLimits extends RequestLimits {
  /** Routes wait this long for the clusters that they name, in ms (M9). */
  readonly gateMs: number;
  /** A delta response with several resources stays below, in bytes (F8). */
  readonly maxBytes: number;
  /** A stream that takes nothing for so long is closed, in ms (F3). */
  readonly blockedMs: number;
  /** A stream that does not say who it is is closed, in ms after it was let in. */
  readonly silentMs: number;
}

export interface StreamOptions {
  readonly id: string;
  readonly protocol: Protocol;
  /** Of a service for one type; undefined: ADS. */
  readonly typeUrl: string | undefined;
  /** Of its client; undefined where nobody asks who it is. */
  readonly pass: Pass | undefined;
  readonly views: Views;
  readonly claims: NodeClaims;
  readonly admission: Admission;
  readonly observer: XdsObserver;
  /** ms */
  readonly now: () => number;
  readonly limits: StreamLimits;
  readonly onClose: () => void;
}
