/** Lets the streams of a server go, one after the other, so that their clients do not all come to the next one at once. */
import { setTimeout as sleep } from 'node:timers/promises';

/** A stream that is to end. */
export interface Leaver {
  /** Whether the client has answered all that it was sent. */
  readonly isAnswered: boolean;
  /** Told that the control plane is stopping. */
  leave(): void;
}

export interface DrainOptions {
  /** ms over which streams end; 0: at once. */
  readonly overMs: number;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** Time, as a drain sees it. */
export interface DrainClock {
  /** ms; never goes back. */
  readonly now: () => number;
  /** Resolves after so many ms, or once it is told to end. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Not the wall clock: that may be set meanwhile. */
export const MONOTONIC: DrainClock = {
  now: () => performance.now(),
  wait: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => undefined),
};

export interface DrainSteps<Stream extends Leaver> extends DrainOptions {
  readonly streams: () => readonly Stream[];
  /** From here on nobody comes any more. */
  readonly close: () => void;
  readonly clock: DrainClock;
  /** 0 to 1 */
  readonly random: () => number;
}

interface Turn<Stream> {
  readonly stream: Stream;
  /** ms after nobody was let in any more. */
  readonly at: number;
}

/** Load balancers hear of the end at its beginning, and need this part of the time, or so many ms at most, to act on it. */
const NOTICE = { part: 0.2, longest: 1_000 };
/** A client that is owed its say gets so many ms more: then what it has accepted is known to its next server. */
const ANSWER_MS = 1_000;
const LOOK_MS = 20;

/**
 * First everything goes on as before, new streams included; then nobody new is let in, and the streams end, evenly over
 * what is left of the time. Takes `overMs` and a second, and then all have left. Where it is ended before, streams that
 * have not ended are the caller's.
 */
export async function drain<Stream extends Leaver>(steps: DrainSteps<Stream>): Promise<void> {
  const { overMs, signal, clock, random, streams, close } = steps;
  if (overMs <= 0 || signal.aborted || streams().length === 0) return;
  const notice = Math.min(overMs * NOTICE.part, NOTICE.longest);
  await clock.wait(notice, signal);
  close();
  const began = clock.now();
  const endsAt = overMs - notice + ANSWER_MS;
  let left = turnsOf(streams(), overMs - notice, random);
  for (let elapsed = 0; left.length > 0 && elapsed < endsAt; ) {
    // Before the first turn too: a client that hears of the end of its stream knows by then that nobody is let in.
    await clock.wait(LOOK_MS, signal);
    if (signal.aborted) return;
    elapsed = clock.now() - began;
    left = those(left, streams());
    for (const { stream, at } of left) {
      const isLate = elapsed >= at + ANSWER_MS || elapsed >= endsAt;
      if (elapsed >= at && (stream.isAnswered || isLate)) stream.leave();
    }
    left = those(left, streams());
  }
}

/** Of streams that are still there. */
function those<Stream>(turns: readonly Turn<Stream>[], streams: readonly Stream[]): readonly Turn<Stream>[] {
  const there = new Set(streams);
  return turns.filter(({ stream }) => there.has(stream));
}

/** In any order; each at a random moment of a share of its own. */
function turnsOf<Stream>(streams: readonly Stream[], overMs: number, random: () => number): readonly Turn<Stream>[] {
  const shuffled = streams.map((stream) => ({ stream, rank: random() })).sort((a, b) => a.rank - b.rank);
  return shuffled.map(({ stream }, index) => ({ stream, at: ((index + random()) / streams.length) * overMs }));
}
