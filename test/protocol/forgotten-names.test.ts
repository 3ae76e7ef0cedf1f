/** What one stream asked for is not kept on account of others. */
import { expect, test } from 'vitest';
import { collectGarbage } from '../support/garbage.ts';
import { until } from '../support/until.ts';
import { GrpcHarness } from '../support/xds/harness.ts';
import { PlainStream, TYPES } from '../support/xds/plain-stream.ts';

const NAMES = 30_000;
const LENGTH = 1_000;

async function heap(): Promise<number> {
  await collectGarbage();
  return process.memoryUsage().heapUsed;
}

test('names of a stream that has gone are forgotten soon, though another one stays and nothing changes', async () => {
  await using harness = new GrpcHarness('sotw');
  harness.world.set('cluster', 'c', '1').set('listener', 'l', '1');
  await harness.start();
  using staying = new PlainStream('sotw', harness.port, { id: 'staying' });
  staying.ask(TYPES.clusters, []);
  await until('the clusters', () => staying.types.includes(TYPES.clusters));
  const before = await heap();
  using going = new PlainStream('sotw', harness.port, { id: 'going' });
  going.ask(TYPES.listeners, ['l', ...Array.from({ length: NAMES }, (_, index) => String(index).padStart(LENGTH, 'x'))]);
  await until('the listeners', () => going.types.includes(TYPES.listeners));
  expect(await heap()).toBeGreaterThan(before + NAMES * LENGTH * 0.9);
  going[Symbol.dispose]();
  await until('the names to be forgotten', async () => (await heap()) < before + NAMES * LENGTH * 0.3);
  expect(staying.end).toBeUndefined();
});
