import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FirstCalm } from '../../../src/xds/first-calm.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('tells once, when it has been calm for a second and a half', () => {
  let told = 0;
  let isCalm = false;
  using _calm = new FirstCalm(
    () => isCalm,
    () => {
      told += 1;
    },
  );
  vi.advanceTimersByTime(60_000);
  isCalm = true;
  vi.advanceTimersByTime(1_250);
  isCalm = false;
  vi.advanceTimersByTime(250);
  isCalm = true;
  vi.advanceTimersByTime(1_250);
  expect(told).toBe(0);
  vi.advanceTimersByTime(250);
  expect(told).toBe(1);
  vi.advanceTimersByTime(60_000);
  expect(told).toBe(1);
});

it('tells nothing any more when its server stops', () => {
  let told = 0;
  const calm = new FirstCalm(
    () => true,
    () => {
      told += 1;
    },
  );
  vi.advanceTimersByTime(1_250);
  calm[Symbol.dispose]();
  vi.advanceTimersByTime(60_000);
  expect(told).toBe(0);
});
