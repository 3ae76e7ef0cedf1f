/** How much more is held at the end than after the beginning. */
import type { Sample } from './soak.ts';

/** Until caches are full and hot functions compiled. */
const WARM_UP = 0.25;
/** How much of the time counts as the beginning, and as the end. */
const SHARE = 0.25;

export interface Growth {
  readonly before: number;
  readonly after: number;
  readonly by: number;
}

/** Medians of the samples of the second quarter of the time and of the last one: one of them alone may come at a bad moment. */
export function growth(samples: readonly Sample[], of: (sample: Sample) => number): Growth {
  const total = samples.at(-1)?.minutes ?? 0;
  const between = (from: number, to: number) =>
    samples.filter(({ minutes }) => minutes > from * total && minutes <= to * total).map(of);
  const [before, after] = [median(between(WARM_UP, WARM_UP + SHARE)), median(between(1 - SHARE, 1))];
  return { before, after, by: after - before };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? Number.NaN : (low + high) / 2;
}
