import { expect, test } from 'vitest';
import { LogLimit } from '../../../src/admin/log-limit.ts';

test('says so many, then one now and then, and how many it did not say', () => {
  const limit = new LogLimit(20, 10_000);
  const said = Array.from({ length: 1_000 }, () => limit.take(0)).filter((unsaid) => unsaid !== undefined);
  expect(said).toEqual(Array(20).fill(0));
  expect(limit.take(9_999)).toBeUndefined();
  expect(limit.take(10_000)).toBe(981);
  expect(limit.take(10_001)).toBeUndefined();
  expect(limit.take(20_000)).toBe(1);
});
