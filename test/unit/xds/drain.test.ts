import { describe, expect, it } from 'vitest';
import { drain, type Leaver, MONOTONIC } from '../../../src/xds/drain.ts';
import { HandClock } from '../../support/hand-clock.ts';

class Stream implements Leaver {
  isAnswered = true;
  readonly #leave: (stream: Stream) => void;

  constructor(leave: (stream: Stream) => void) {
    this.#leave = leave;
  }

  leave(): void {
    this.#leave(this);
  }
}

/** @param random where in the order, and in its share of the time, each stream is */
function bench(count: number, random: () => number = Math.random) {
  const clock = new HandClock();
  const streams = new Set<Stream>();
  /** ms after the beginning. */
  const left = new Map<Stream, number>();
  const add = (): Stream => {
    const stream = new Stream((each) => {
      streams.delete(each);
      left.set(each, clock.now());
    });
    streams.add(stream);
    return stream;
  };
  const all = Array.from({ length: count }, add);
  const controller = new AbortController();
  const state = { closedAt: undefined as number | undefined, overAt: undefined as number | undefined };
  const start = (overMs: number): void => {
    void drain({
      overMs,
      signal: controller.signal,
      streams: () => [...streams],
      close: () => {
        state.closedAt = clock.now();
      },
      clock,
      random,
    }).then(() => {
      state.overAt = clock.now();
    });
  };
  return { clock, all, left, add, state, controller, start };
}

describe('draining', () => {
  it('lets nobody go in the first part of the time, then one after the other, evenly', async () => {
    const { clock, left, state, start } = bench(100);
    start(1_000);
    await clock.advance(1_100);
    expect(left.size).toBe(100);
    expect(state.closedAt).toBe(200);
    // In each part of the time as many as in any other, but for those whose turn comes between two looks.
    for (let from = 200; from < 1_000; from += 200) {
      const part = [...left.values()].filter((at) => at > from && at <= from + 200).length;
      expect(part, `from ${from} ms`).toBeGreaterThanOrEqual(22);
      expect(part, `from ${from} ms`).toBeLessThanOrEqual(28);
    }
    expect(state.overAt).toBeLessThanOrEqual(1_040);
  });

  it('takes those with it that come before nobody is let in any more, and lets none go before that', async () => {
    const { clock, left, add, state, start } = bench(1, () => 0);
    start(200);
    await clock.advance(39);
    add();
    await clock.advance(1);
    expect(state.closedAt).toBe(40);
    expect(left.size).toBe(0);
    await clock.advance(200);
    expect(left.size).toBe(2);
  });

  it('lets a client answer first, for a second', async () => {
    const { clock, all, left, state, start } = bench(3, () => 0.5);
    const [soon, never, ready] = all;
    if (soon === undefined || never === undefined || ready === undefined) throw new Error('There are three streams.');
    soon.isAnswered = false;
    never.isAnswered = false;
    start(100);
    await clock.advance(400);
    expect([...left.keys()]).toEqual([ready]);
    soon.isAnswered = true;
    await clock.advance(20);
    expect([...left.keys()]).toEqual([ready, soon]);
    await clock.advance(600);
    expect(left.size).toBe(2);
    await clock.advance(120);
    expect(left.get(never)).toBeLessThanOrEqual(1_120);
    expect(state.overAt).toBeLessThanOrEqual(1_140);
  });

  it('lets everybody go before it is over, also those whose turn is the last and who never answer', async () => {
    const { clock, all, left, state, start } = bench(3, () => 0.999);
    for (const stream of all) stream.isAnswered = false;
    start(90);
    await clock.advance(1_200);
    expect(left.size).toBe(3);
    expect(state.overAt).toBeLessThanOrEqual(1_130);
  });

  it('lets everybody go when a busy machine has slept through all of the time', async () => {
    const { clock, all, left, start } = bench(3);
    for (const stream of all) stream.isAnswered = false;
    start(100);
    await clock.advance(30);
    clock.skip(5_000);
    await clock.advance(0);
    expect(left.size).toBe(3);
  });

  it('takes no time where there is nobody, or none to take', async () => {
    const nobody = bench(0);
    nobody.start(5_000);
    await nobody.clock.advance(0);
    expect(nobody.state.overAt).toBe(0);
    const hasty = bench(10);
    hasty.start(0);
    await hasty.clock.advance(0);
    expect(hasty.state.overAt).toBe(0);
    expect(hasty.left.size).toBe(0);
  });

  it('is over when it is told so', async () => {
    const { clock, left, controller, state, start } = bench(10);
    start(60_000);
    await clock.advance(50);
    controller.abort();
    await clock.advance(0);
    expect(state.overAt).toBe(50);
    expect(left.size).toBe(0);
  });

  it("is over in the system's time too", async () => {
    const streams = new Set<Stream>();
    streams.add(new Stream((each) => streams.delete(each)));
    const began = performance.now();
    await drain({
      overMs: 50,
      signal: new AbortController().signal,
      streams: () => [...streams],
      close: () => {},
      clock: MONOTONIC,
      random: Math.random,
    });
    expect(streams.size).toBe(0);
    expect(performance.now() - began).toBeGreaterThanOrEqual(29);
  });
});
