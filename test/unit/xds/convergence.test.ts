import { expect, test } from 'vitest';
import type { InterceptId } from '../../../src/model/names.ts';
import { type Batch, Convergence } from '../../../src/xds/convergence.ts';

const id = (text: string) => text as InterceptId; // any text will do
const batch = (seq: number): Batch => ({ seq, at: 1_000 + seq, intercepts: new Set([id(`i${seq}`)]) });

test('a batch is answered when every stream has come as far', () => {
  const convergence = new Convergence();
  convergence.published(batch(1), 2);
  convergence.published(batch(2), 2);
  expect(convergence.progressed(0, 1)).toEqual([]);
  expect(convergence.progressed(0, 2)).toEqual([batch(1)]);
  expect(convergence.isSettled).toBe(false);
  expect(convergence.progressed(1, Infinity)).toEqual([batch(2)]);
  expect(convergence.isSettled).toBe(true);
});

test('a stream that never answers makes no queue, and all that it held up is told when it does', () => {
  const convergence = new Convergence();
  for (let seq = 1; seq <= 100_000; seq += 1) {
    convergence.published(batch(seq), 2);
    expect(convergence.progressed(seq - 1, seq)).toEqual([]);
  }
  expect(convergence.size).toBeLessThanOrEqual(256);
  const told = convergence.progressed(0, 100_000);
  expect(told[0]?.at).toBe(1_001);
  expect(told.at(-1)).toEqual(batch(100_000));
  expect(told.reduce((sum, { intercepts }) => sum + intercepts.size, 0)).toBeLessThanOrEqual(25_600);
  expect(convergence.isSettled).toBe(true);
});
