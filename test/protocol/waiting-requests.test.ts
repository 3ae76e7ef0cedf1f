/** Requests that cannot be answered yet wait, up to a number. */
import { expect, test } from 'vitest';
import { STATUS as GRPC_STATUS } from '../../src/grpc/status.ts';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import type { Gate, Pass } from '../../src/xds/gate.ts';
import { type XdsLimits, XdsServer } from '../../src/xds/xds.ts';
import { framed, type RawCall, RawClient } from '../support/grpc/raw-client.ts';
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

/** With its prefix. @param more fields @param bytes that it has besides */
function request(more: object, bytes = 0): Buffer {
  const padding = bytes === 0 ? {} : { error_detail: { code: 3, message: 'x'.repeat(bytes) } };
  const message = { type_url: TYPES.endpoints, resource_names_subscribe: ['a'], ...padding, ...more };
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

/** Writes all of them. @returns how many the server has taken, once it takes no more. */
async function takenOf(client: RawClient, call: RawCall, requests: readonly Buffer[]): Promise<number> {
  let taken = 0;
  for (const each of requests)
    call.stream.write(each, (error) => {
      if (error === null || error === undefined) taken += 1;
    });
  let last = { taken: -1, rounds: 0 };
  await until('no more to be taken', async () => {
    await client.answered();
    last = { taken, rounds: last.taken === taken ? last.rounds + 1 : 0 };
    return last.rounds === 20;
  });
  return taken;
}

test('before there is anything to serve, a stream that says more than 1 MiB waits, and nothing of it is lost', async () => {
  const observer = new SilentObserver();
  await using server = serverOf(observer, undefined, { messageMs: 1_000 });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  await using client = new RawClient(port);
  const call = client.call(DELTA).read();
  const requests = Array.from({ length: 20 }, (_, index) => request(index === 0 ? { node: { id: 'large' } } : {}, 400_000));
  // 3 of them are 1 MiB, and what the window takes comes to as much again.
  expect(await takenOf(client, call, requests)).toBeLessThan(8);
  // Whoever leaves a message half said is sent away meanwhile, and whoever is not read is not.
  await using other = new RawClient(port);
  const half = other.call(DELTA).read();
  half.stream.write(request({ node: { id: 'half' } }).subarray(0, 20));
  expect(await half.status()).toMatchObject({ code: GRPC_STATUS.deadlineExceeded });
  expect(observer.closed).toEqual([]);
  server.publish(EMPTY_MODEL, NO_CHANGE);
  await until('all of them', () => observer.requests === 20 || observer.closed.length > 0);
  expect(observer.closed).toEqual([]);
});

test('requests that wait count as those that are being received, until they are answered or their stream ends', async () => {
  const observer = new SilentObserver();
  await using server = serverOf(observer, undefined, { maxReceivingBytes: 5_000_000 });
  const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
  const waiting = async (id: string): Promise<RawClient> => {
    const client = new RawClient(port);
    client.call(DELTA).stream.write(request({ node: { id } }, 2_000_000));
    await until('the stream', () => observer.opened.some(({ nodeId }) => nodeId === id));
    return client;
  };
  await using _first = await waiting('first');
  const second = await waiting('second');
  await using third = new RawClient(port);
  const refused = third.call(DELTA).read();
  refused.stream.write(request({ node: { id: 'third' } }, 2_000_000));
  expect(await refused.status()).toMatchObject({ code: GRPC_STATUS.resourceExhausted });
  await second[Symbol.asyncDispose]();
  await until('the end', () => observer.closed.length === 1);
  await using _fourth = await waiting('fourth');
  server.publish(EMPTY_MODEL, NO_CHANGE);
  await until('both requests', () => observer.requests === 2);
  for (const id of ['fifth', 'sixth', 'seventh']) {
    await using _client = await waiting(id);
  }
  await until('all requests', () => observer.requests === 5);
});

test('whoever asks for the state of clients, does not read it and says more than 1 MiB waits, and is answered when it reads', async () => {
  await using harness = new GrpcHarness('delta');
  for (let index = 0; index < 500; index += 1) harness.world.set('cluster', `${'c'.repeat(400)}${index}`, 'x');
  await harness.start();
  const subscriber = await harness.connect();
  subscriber.subscribe('cluster');
  subscriber.ack(await subscriber.next());
  await using client = new RawClient(harness.port);
  const call = client.call(STATUS);
  // A field that nobody knows.
  const large = framed(Buffer.concat([Buffer.from([0x7a, 0x80, 0xb5, 0x18]), Buffer.alloc(400_000)]));
  expect(await takenOf(client, call, Array<Buffer>(20).fill(large))).toBeLessThan(10);
  call.read().stream.end();
  expect(await call.status()).toMatchObject({ code: GRPC_STATUS.ok });
  expect(call.messages).toHaveLength(20);
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
