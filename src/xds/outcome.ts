/** What a request turned out to be. */
import type { InFlight } from './exchange.ts';
import type { Track } from './track.ts';

export type Outcome =
  /** It only said what the client wants. */
  | { readonly kind: 'request' }
  | { readonly kind: 'ack'; readonly response: InFlight }
  | { readonly kind: 'nack'; readonly response: InFlight; readonly error: string }
  /** It answers a response that is not the newest: nothing follows from that (N3, N5). */
  | { readonly kind: 'stale' }
  | { readonly kind: 'ignored' };

/**
 * Whether a request answers a response. N7: an error makes it a NACK, and nothing else does.
 * @param isNewest whether its nonce is that of the response that waits for an answer
 * @param now ms
 */
export function answerOf(track: Track, error: string | undefined, isNewest: boolean, now: number): Outcome | undefined {
  // N3: an answer to an older response says nothing of the newest one.
  if (!isNewest) return error === undefined ? undefined : { kind: 'stale' };
  const response = error === undefined ? track.ack() : track.nack(error, now);
  if (response === undefined) return undefined;
  return error === undefined ? { kind: 'ack', response } : { kind: 'nack', response, error };
}
