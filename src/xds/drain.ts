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

export interface DrainSteps<Stream extends Leaver> extends DrainOptions {
  readonly streams: () => readonly Stream[];
  /** From here on nobody comes any more. */
  readonly close: () => void;
  /** ms */
  readonly now: () => number;
  /** 0 to 1 */
  readonly random: () => number;
}

/** Load balancers hear of the end at its beginning, and need this part of the time, or so many ms at most, to act on it. */
const NOTICE = { part: 0.2, longest: 1_000 };
/** A client that is owed its say gets so many ms more: then what it has accepted is known to its next server. */
const ANSWER_MS = 1_000;
const LOOK_MS = 20;

/**
 * First everything goes on as before, new streams included; then nobody new is let in, and the streams end, evenly over
 * what is left of the time. Takes `overMs` and a second at most. Streams that have not ended then are the caller's.
 */
export async function drain<Stream extends Leaver>(steps: DrainSteps<Stream>): Promise<void> {
  const { overMs, signal, now, random, streams, close } = steps;
  if (overMs <= 0 || signal.aborted || streams().length === 0) return;
  const notice = Math.min(overMs * NOTICE.part, NOTICE.longest);
  await pause(notice, signal);
  close();
  const began = now();
  const turns = turnsOf(streams(), overMs - notice, random);
  while (!signal.aborted) {
    const there = new Set(streams());
    const elapsed = now() - began;
    const left = turns.filter(({ stream }) => there.has(stream));
    if (left.length === 0 || elapsed > overMs - notice + ANSWER_MS) return;
    for (const { stream, at } of left) {
      if (elapsed >= at && (stream.isAnswered || elapsed >= at + ANSWER_MS)) stream.leave();
    }
    await pause(LOOK_MS, signal);
  }
}

/** In any order; each at a random moment of a share of its own. */
function turnsOf<Stream>(
  streams: readonly Stream[],
  overMs: number,
  random: () => number,
): readonly { readonly stream: Stream; readonly at: number }[] {
  const shuffled = streams.map((stream) => ({ stream, rank: random() })).sort((a, b) => a.rank - b.rank);
  return shuffled.map(({ stream }, index) => ({ stream, at: ((index + random()) / streams.length) * overMs }));
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
