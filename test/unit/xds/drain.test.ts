import { describe, expect, it } from 'vitest';
import { drain, type Leaver } from '../../../src/xds/drain.ts';

class Stream implements Leaver {
  isAnswered = true;
  readonly #set: Set<Stream>;
  readonly #left: number[];
  readonly #began: number;

  constructor(set: Set<Stream>, left: number[], began: number) {
    this.#set = set;
    this.#left = left;
    this.#began = began;
    set.add(this);
  }

  leave(): void {
    this.#set.delete(this);
    this.#left.push(performance.now() - this.#began);
  }
}

function bench(count: number) {
  const streams = new Set<Stream>();
  /** ms after the beginning. */
  const left: number[] = [];
  const began = performance.now();
  const add = (): Stream => new Stream(streams, left, began);
  for (let index = 0; index < count; index += 1) add();
  const controller = new AbortController();
  const state = { closedAt: undefined as number | undefined };
  const run = (overMs: number): Promise<void> =>
    drain({
      overMs,
      signal: controller.signal,
      streams: () => [...streams],
      close: () => {
        state.closedAt = performance.now() - began;
      },
      now: () => performance.now(),
      random: Math.random,
    });
  return { streams, left, add, state, controller, run, elapsed: () => performance.now() - began };
}

describe('draining', () => {
  it('lets nobody go in the first part of the time, then one after the other, evenly', async () => {
    const { left, state, run, elapsed } = bench(100);
    await run(1_000);
    expect(left).toHaveLength(100);
    expect(state.closedAt).toBeGreaterThanOrEqual(190);
    expect(Math.min(...left)).toBeGreaterThanOrEqual(190);
    // In each fifth of the time about as many as in any other.
    for (let from = 200; from < 1_000; from += 200) {
      const part = left.filter((at) => at >= from && at < from + 200).length;
      expect(part, `from ${from} ms`).toBeGreaterThan(10);
      expect(part, `from ${from} ms`).toBeLessThan(40);
    }
    expect(elapsed()).toBeLessThan(1_500);
  });

  it('takes those with it that come before nobody is let in any more', async () => {
    const { left, add, run } = bench(1);
    const draining = run(200);
    add();
    await draining;
    expect(left).toHaveLength(2);
  });

  it('lets a client answer first, for a second', async () => {
    const { streams, left, run, elapsed } = bench(3);
    const [soon, never] = [...streams];
    for (const each of [soon, never]) if (each !== undefined) each.isAnswered = false;
    const draining = run(100);
    setTimeout(() => {
      if (soon !== undefined) soon.isAnswered = true;
    }, 400);
    await draining;
    expect(left.map((at) => (at < 350 ? 'at its time' : at < 900 ? 'when answered' : 'unanswered'))).toEqual([
      'at its time',
      'when answered',
      'unanswered',
    ]);
    expect(elapsed()).toBeLessThan(1_600);
  });

  it('takes no time where there is nobody, or none to take', async () => {
    const nobody = bench(0);
    await nobody.run(5_000);
    expect(nobody.elapsed()).toBeLessThan(100);
    const hasty = bench(10);
    await hasty.run(0);
    expect(hasty.elapsed()).toBeLessThan(100);
    expect(hasty.left).toEqual([]);
  });

  it('is over when it is told so', async () => {
    const { left, controller, run, elapsed } = bench(10);
    const draining = run(60_000);
    setTimeout(() => controller.abort(), 50);
    await draining;
    expect(elapsed()).toBeLessThan(1_000);
    expect(left).toEqual([]);
  });
});
