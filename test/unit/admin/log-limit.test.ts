import { expect, test } from 'vitest';
import { LogLimit } from '../../../src/admin/log-limit.ts';

test('lets a burst through, then one at a time, and says how many it held back', () => {
  const limit = new LogLimit(3, 1_000);
  expect([0, 0, 0, 0, 0].map((now) => limit.take(now))).toEqual([0, 0, 0, undefined, undefined]);
  expect(limit.take(999)).toBeUndefined();
  expect(limit.take(1_000)).toBe(3);
  expect(limit.take(1_001)).toBeUndefined();
  expect([60_000, 60_000, 60_000, 60_000].map((now) => limit.take(now))).toEqual([1, 0, 0, undefined]);
});
