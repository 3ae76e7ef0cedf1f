/** What a delta request means to a track. */
import type { DeltaRequest } from './codec.ts';
import { answerOf, type Outcome } from './outcome.ts';
import { recognize } from './recognize.ts';
import type { Track } from './track.ts';

/**
 * @param seq the view's newest change number
 * @param now ms
 * @param mustSend names that a reconnected client gets again, whatever version it has (C3); undefined: none
 */
export function receiveDelta(
  track: Track,
  request: DeltaRequest,
  isFirst: boolean,
  seq: number,
  now: number,
  mustSend: ((name: string) => boolean) | undefined,
): Outcome {
  const state = track.nonceState(request.nonce);
  const outcome = answerOf(track, request.error, state === 'inFlight', now);
  const known = isFirst && mustSend === undefined ? recognize(track, request) : undefined;
  // N5, N6: whatever the nonce, and beside an ACK or a NACK too, the names count.
  const change =
    known?.ids !== undefined
      ? track.subscription.begin(known.ids)
      : track.subscription.adjust(request.subscribe, request.unsubscribe, isFirst);
  track.changeSubscription(change, isFirst, seq);
  // C1: only the first request of a type says what the client has.
  if (known !== undefined) track.resume(known.differences, seq);
  else if (isFirst && request.initialVersions.size > 0) track.seed(request.initialVersions, seq, mustSend);
  return outcome ?? { kind: state === 'stale' ? 'stale' : 'request' };
}
