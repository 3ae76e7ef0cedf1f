/**
 * Any clients of one scope, in any order of events, against a simple model of each. `tools/run tools/xds-runs.ts 20000` runs more.
 * A failure prints its shrunk case: it is kept as a file in `xds-cases`, and replayed from then on.
 */
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runDelivery } from '../support/xds/delivery/run.ts';
import { type DeliveryCase, deliveryCase } from '../support/xds/delivery/step.ts';

const CASES = new URL('./xds-cases/', import.meta.url);
/** The same ones each time; when more are asked for, others. */
const MORE = process.env['XDS_RUNS'];
const RUNS = MORE === undefined ? { numRuns: 2_500, seed: 1_234_567 } : { numRuns: Number(MORE) };

describe.each(['sotw', 'delta'] as const)('any clients, %s', (protocol) => {
  it('end with what they asked for, are told nothing that they have or refused, and get nothing before what it names', () => {
    const { failed, counterexample, errorInstance, seed } = fc.check(fc.property(deliveryCase(protocol), runDelivery), RUNS);
    if (failed)
      throw new Error(`${errorInstance} with seed ${seed}:\n${JSON.stringify(counterexample?.[0])}`, { cause: errorInstance });
  }, 600_000);
});

describe('what went wrong once', () => {
  const files = readdirSync(CASES).filter((name) => name.endsWith('.json'));
  it.each(files)('%s', (file) => {
    // Written by the property itself.
    const kept = JSON.parse(readFileSync(new URL(file, CASES), 'utf8')) as DeliveryCase & { readonly why: string };
    expect(kept.why).not.toBe('');
    runDelivery(kept);
  });
});
