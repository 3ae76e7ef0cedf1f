/** What a State-of-the-World request means to a track. */
import type { SotwRequest } from './codec.ts';
import { answerOf, type Outcome } from './outcome.ts';
import type { Track } from './track.ts';

/**
 * @param seq the view's newest change number
 * @param now ms
 */
export function receiveSotw(track: Track, request: SotwRequest, isFirst: boolean, seq: number, now: number): Outcome {
  const state = track.nonceState(request.nonce);
  const outcome = answerOf(track, request.error, state === 'inFlight', now);
  const change = track.subscription.replace(request.names);
  // N4: also a stale request says what the client wants by now; the response waits for the ACK that is to come.
  track.changeSubscription(change, isFirst, seq);
  const { subscription } = track;
  const isFullState = track.facts?.fullState === true;
  if (isFirst && request.version !== '' && (change.everything || isFullState)) {
    // N11: only where everything of a full-state type was asked for, and nothing by name, does a version say it all.
    const saysAll = isFullState && change.everything && subscription.size === 0;
    if (saysAll && request.version === track.log.version) track.startAt(seq);
    else track.startUnknown();
  }
  const isSame =
    change.answer.size + change.answerAgain.length === 0 &&
    change.dropped.size === 0 &&
    !change.everything &&
    !change.lostEverything;
  if (state === 'done' && isSame && request.error === undefined && track.facts?.type === 'endpoints') {
    // M1: the same names again, after they were acknowledged: a cluster is warming and waits for them.
    for (const name of subscription.explicit()) track.resend(name);
  }
  return outcome ?? { kind: state === 'stale' ? 'stale' : 'request' };
}
