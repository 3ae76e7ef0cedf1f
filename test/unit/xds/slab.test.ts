import { expect, test } from 'vitest';
import { Encoder } from '../../../src/xds/resource.ts';
import { Slab } from '../../../src/xds/slab.ts';
import { fakeResource } from '../../support/xds/fake-world.ts';

test('what is taken does not overlap', () => {
  const slab = new Slab();
  const taken = Array.from({ length: 300 }, (_, index) => slab.take(index * 7).fill(index));
  expect(taken.map((bytes, index) => bytes.length === index * 7 && bytes.every((byte) => byte === index % 256))).not.toContain(
    false,
  );
});

test('a resource that stays keeps 4 KB alive at most, or what it takes itself', () => {
  const encoder = new Encoder();
  for (const length of [10, 500, 3_000, 20_000]) {
    const { bytes } = encoder.encode(fakeResource('route', 'a', 'x'.repeat(length)));
    expect(bytes.buffer.byteLength).toBeLessThanOrEqual(Math.max(4_096, bytes.length));
  }
});
