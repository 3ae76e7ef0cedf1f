/** Requests that cannot be answered yet wait, up to a number. */
import { expect, test } from 'vitest';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import { XdsServer } from '../../src/xds/xds.ts';
import { until } from '../support/until.ts';
import { DeafWire } from '../support/xds/deaf-wire.ts';
import { FakeWorld } from '../support/xds/fake-world.ts';
import { GrpcHarness } from '../support/xds/harness.ts';
import { SilentObserver } from '../support/xds/observer.ts';
import { PlainStream, TYPES } from '../support/xds/plain-stream.ts';

const STATUS = '/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus';

test('before there is anything to serve, a stream may ask a thousand times', async () => {
  await using server = new XdsServer({
    settings: { carriers: DEFAULT_CARRIERS, lua: '' },
    createTranslation: () => new FakeWorld().translation(),
    observer: new SilentObserver(),
    now: Date.now,
  });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  using patient = new PlainStream('delta', port, { id: 'patient' });
  for (let index = 0; index < 1_000; index += 1) patient.ask(TYPES.endpoints, [`name-${index}`]);
  using eager = new PlainStream('delta', port, { id: 'eager' });
  for (let index = 0; index < 1_001; index += 1) eager.ask(TYPES.endpoints, [`name-${index}`]);
  await until('the end', () => eager.end);
  expect(eager.end).toContain('too many requests before the first answer');
  expect(patient.end).toBeUndefined();
});

test('whoever asks for the state of clients and does not read it may ask a hundred times', async () => {
  await using harness = new GrpcHarness('delta', { lingerMs: 100 });
  for (let index = 0; index < 100; index += 1) harness.world.set('cluster', `c${index}`, 'x'.repeat(2_000));
  await harness.start();
  const client = await harness.connect();
  client.subscribe('cluster');
  client.ack(await client.next());
  await using deaf = new DeafWire(harness.port, STATUS);
  for (let index = 0; index < 200; index += 1) deaf.send(Buffer.alloc(0));
  await until('the stream to be let go', () => deaf.isReset);
  harness.world.set('cluster', 'c0', 'another');
  harness.publish();
  expect((await client.next()).resources).toEqual({ c0: 'another' });
});
