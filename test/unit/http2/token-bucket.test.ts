import { expect, it } from 'vitest';
import { TokenBucket } from '../../../src/http2/token-bucket.ts';

it('a bucket gives so many at once, and so many a second after that', () => {
  const bucket = new TokenBucket(3, 2, 1_000);
  const taken = (now: number, tries: number): number =>
    Array.from({ length: tries }, () => bucket.take(now)).filter(Boolean).length;
  expect(taken(1_000, 5)).toBe(3);
  expect(taken(1_499, 5)).toBe(0);
  expect(taken(1_500, 5)).toBe(1);
  // Never more than it holds.
  expect(taken(60_000, 9)).toBe(3);
  bucket.fill();
  expect(taken(60_000, 9)).toBe(3);
});
