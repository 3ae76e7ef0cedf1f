/** Requests that cannot be answered yet wait, up to a number. */
import { expect, test } from 'vitest';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import type { Gate, Pass } from '../../src/xds/gate.ts';
import { type XdsLimits, XdsServer } from '../../src/xds/xds.ts';
import { framed, RawClient } from '../support/grpc/raw-client.ts';
import { until } from '../support/until.ts';
import { DeafWire } from '../support/xds/deaf-wire.ts';
import { EMPTY_MODEL, FakeWorld, NO_CHANGE } from '../support/xds/fake-world.ts';
import { ADS, GrpcHarness, METHODS } from '../support/xds/harness.ts';
import { encodeRequest } from '../support/xds/independent.ts';
import { SilentObserver } from '../support/xds/observer.ts';
import { PlainStream, TYPES } from '../support/xds/plain-stream.ts';

const STATUS = '/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus';
const DELTA = `${ADS}/${METHODS.delta}`;

function serverOf(observer: SilentObserver, gate?: Gate, limits: Partial<XdsLimits> = {}): XdsServer {
  return new XdsServer({
    settings: { carriers: DEFAULT_CARRIERS, lua: '' },
    createTranslation: () => new FakeWorld().translation(),
    observer,
    now: Date.now,
    gate,
    limits,
  });
}

/** With its prefix. @param more fields */
function request(more: object, bytes = 0): Buffer {
  const initial = bytes === 0 ? {} : { initial_resource_versions: { ['n'.repeat(1_000)]: 'v'.repeat(bytes) } };
  const message = { type_url: TYPES.endpoints, resource_names_subscribe: ['a'], ...initial, ...more };
  return framed(Buffer.from(encodeRequest('DeltaDiscoveryRequest', message)));
}

test('before there is anything to serve, a stream may ask a thousand times', async () => {
  await using server = serverOf(new SilentObserver());
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

test('what a client says while it is asked about comes behind what it said before', async () => {
  const observer = new SilentObserver();
  const asked = Promise.withResolvers<undefined>();
  let isAsked = false;
  const pass: Pass = {
    name: 'somebody',
    expiresAt: Number.POSITIVE_INFINITY,
    endsConnection: false,
    mostStreams: undefined,
    seesAll: false,
    admits: () => {
      isAsked = true;
      return asked.promise;
    },
  };
  await using server = serverOf(observer, { authenticate: async () => pass });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  server.publish(EMPTY_MODEL, NO_CHANGE);
  await using client = new RawClient(port);
  const call = client.call(DELTA).read();
  call.stream.write(request({ node: { id: 'first' } }));
  await until('the question', () => isAsked);
  for (let index = 0; index < 10; index += 1) call.stream.write(request({}));
  await client.answered();
  asked.resolve(undefined);
  await until('all requests', () => observer.requests === 11 || observer.refused.length > 0);
  expect(observer.refused).toEqual([]);
});
