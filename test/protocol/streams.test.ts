/** What only a stream over gRPC has: who the client is, how it ends, what the transport does. */
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { Protocol } from '../../src/xds/session.ts';
import { HandClock } from '../support/hand-clock.ts';
import { until } from '../support/until.ts';
import { Cable } from '../support/xds/cable.ts';
import { Client } from '../support/xds/client.ts';
import { DeafWire } from '../support/xds/deaf-wire.ts';
import { pathOfType } from '../support/xds/grpc-types-wire.ts';
import { ADS, GrpcHarness, GrpcWire, METHODS } from '../support/xds/harness.ts';
import { PlainStream, TYPES } from '../support/xds/plain-stream.ts';

const SERVED = ['cluster', 'endpoints', 'listener', 'scopedRoute', 'route'] as const;

function wireOf(client: Client): GrpcWire {
  if (client.wire instanceof GrpcWire) return client.wire;
  throw new Error('This client is connected over gRPC.');
}

async function endOf(client: Client): Promise<{ readonly code: number; readonly details: string }> {
  return until('the end of the stream', () => wireOf(client).ended);
}

describe.each<Protocol>(['sotw', 'delta'])('a stream over gRPC, %s', (protocol) => {
  it.each(SERVED)('S1 S2: the service for one type knows its type: %s', async (type) => {
    await using harness = new GrpcHarness(protocol);
    harness.world.set(type, 'a', '1');
    const path = pathOfType(type, protocol);
    const client = await harness.connect(path);
    const names = type === 'scopedRoute' ? ['a'] : ['a', '*'];
    client.subscribe(type, names, { typeUrl: '' });
    expect((await client.next()).resources).toEqual({ a: '1' });

    const other = await harness.connect(path);
    other.subscribe(type === 'cluster' ? 'listener' : 'cluster');
    expect(await endOf(other)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('does not belong'),
    });
  });

  it('S2: an aggregated stream is closed when a request does not say its type', async () => {
    await using harness = new GrpcHarness(protocol);
    const client = await harness.connect();
    client.subscribe('cluster', [], { typeUrl: '' });
    expect(await endOf(client)).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('type_url') });
  });

  it('W5: for a gRPC client no names are no names: it may have given up all that it had asked for', async () => {
    await using harness = new GrpcHarness(protocol);
    harness.world.set('listener', 'l', '1').set('cluster', 'c', '1');
    const client = await harness.connect();
    const node = { id: 'shop-7d4b', user_agent_name: 'gRPC Go', user_agent_version: '1.76.0' };
    client.subscribe('cluster', [], { node });
    client.subscribe('listener');
    await client.silent();
    client.subscribe('listener', ['l']);
    await client.take('listener', { l: '1' });
    // Whoever is no gRPC client has everything.
    const other = await harness.connect();
    other.subscribe('listener', [], { node: { ...node, user_agent_name: 'envoy' } });
    await other.take('listener', { l: '1' });
  });
});

const WAYS = (['sotw', 'delta'] as const).flatMap((protocol) =>
  (['ads', 'type'] as const).map((streams) => ({ protocol, streams })),
);

describe.each(WAYS)('a stream over gRPC, $protocol, $streams', ({ protocol, streams }) => {
  /** The aggregated one, or that of the type. */
  const pathOf = (type: (typeof SERVED)[number]): string =>
    streams === 'ads' ? `${ADS}/${METHODS[protocol]}` : pathOfType(type, protocol);

  it('S3: the first request says who the client is, later ones need not, and none may say otherwise', async () => {
    await using harness = new GrpcHarness(protocol);
    harness.world.set('endpoints', 'a', '1').set('endpoints', 'b', '1');
    const client = await harness.connect(pathOf('endpoints'));
    client.subscribe('endpoints', ['a']);
    await client.take('endpoints', { a: '1' });
    // Without a node, and with the same one.
    client.subscribe('endpoints', ['b'], { node: { id: 'test-client' } });
    await client.take('endpoints', { b: '1' });
    client.subscribe('endpoints', ['c'], { node: { id: 'somebody-else' } });
    expect(await endOf(client)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('somebody-else'),
    });

    const nobody = await harness.connect(pathOf('cluster'));
    nobody.subscribe('cluster', [], { node: null });
    expect(await endOf(nobody)).toMatchObject({ code: status.INVALID_ARGUMENT, details: expect.stringContaining('node') });
    expect(harness.observer.refused).toHaveLength(1);
  });

  it('S3: a node that cannot be read is told what to write', async () => {
    await using harness = new GrpcHarness(protocol);
    const client = await harness.connect(pathOf('cluster'));
    client.subscribe('cluster', [], { node: { id: 'gateway~shop' } });
    expect(await endOf(client)).toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringContaining('gateway~<namespace>/<name>'),
    });
  });

  it('S8: streams that come before the first full state wait for it, and are never shown an empty world', async () => {
    await using harness = new GrpcHarness(protocol);
    harness.world.set('cluster', 'a', '1');
    await harness.start(false);
    const client = await harness.connect(pathOf('cluster'));
    client.subscribe('cluster', ['*']);
    await until('the server to know the client', () => harness.server.proxies().length === 1);
    expect(harness.observer.sent).toEqual([]);
    expect(harness.server.proxies()[0]?.scope).toBeUndefined();
    harness.publish();
    await client.take('cluster', { a: '1' });
  });

  it('S10: a client that is done ends its stream; another one of the same node goes on', async () => {
    await using harness = new GrpcHarness(protocol);
    harness.world.set('cluster', 'a', '1');
    const [first, second] = [await harness.connect(pathOf('cluster')), await harness.connect(pathOf('cluster'))];
    for (const client of [first, second]) {
      client.subscribe('cluster', ['a']);
      await client.take('cluster', { a: '1' });
    }
    expect(harness.server.proxies()).toHaveLength(2);
    wireOf(first).halfClose();
    expect((await endOf(first)).code).toBe(status.OK);
    expect(harness.server.proxies()).toHaveLength(1);
    expect(harness.observer.closed).toHaveLength(1);
    harness.world.set('cluster', 'a', '2');
    harness.publish();
    await second.take('cluster', { a: '2' });
  });

  it('N13: a NACK is told with type, names, node and message, and shown until a later response is accepted', async () => {
    await using harness = new GrpcHarness(protocol);
    harness.world.set('listener', 'l', '1');
    const client = await harness.connect(pathOf('listener'));
    client.subscribe('listener', ['l']);
    const refused = await client.expect('listener', { l: '1' });
    client.nack(refused, 'port in use');
    await until('the refusal', () => harness.observer.nacks.length > 0);
    expect(harness.observer.nacks).toMatchObject([
      { type: 'listener', stream: { nodeId: 'test-client' }, nack: { names: ['l'], error: 'port in use', nonce: refused.nonce } },
    ]);
    const shown = () => harness.server.proxies()[0]?.types.find(({ type }) => type === 'listener');
    expect(shown()).toMatchObject({ subscribed: 1, acked: '', nack: { error: 'port in use', names: ['l'] } });
    expect(harness.server.rejections()).toMatchObject([
      { intercept: undefined, type: 'listener', name: 'l', error: 'port in use' },
    ]);
    harness.world.set('listener', 'l', '2');
    harness.publish();
    const accepted = await client.take('listener', { l: '2' });
    await until('the acknowledgement', () => shown()?.pending === false);
    expect(shown()).toMatchObject({ sent: accepted.version, acked: accepted.version, pending: false, nack: undefined });
    expect(harness.server.rejections()).toEqual([]);
  });

  it('F2 F3: a client that reads nothing costs one response, hurts nobody, and is closed after a while', async () => {
    await using harness = new GrpcHarness(protocol, { blockedMs: 300 });
    for (let index = 0; index < 10; index += 1) harness.world.set('endpoints', `e${index}`, `${'x'.repeat(100_000)}${index}`);
    harness.world.set('cluster', 'c', '1').set('listener', 'l', '1');
    await harness.start();
    await using slow = new DeafWire(harness.port, pathOf('endpoints'));
    const deaf = new Client(protocol, slow);
    deaf.subscribe(
      'endpoints',
      Array.from({ length: 10 }, (_, index) => `e${index}`),
    );
    await until('the response that is not read', () => harness.observer.sent.length === 1);
    if (streams === 'ads') for (const type of ['cluster', 'listener']) deaf.subscribe(type, ['*']);
    else deaf.subscribe('endpoints', ['none']);
    const reader = await harness.connect(pathOf('cluster'));
    reader.subscribe('cluster', ['*']);
    await reader.take('cluster', { c: '1' });
    const closed = await until('the slow stream to be closed', () => harness.observer.closed[0]);
    expect(closed.reason).toContain('has taken nothing');
    // Nothing was queued behind the response that is stuck.
    expect(harness.observer.sent.map(({ type }) => type)).toEqual(['endpoints', 'cluster']);
    harness.world.set('cluster', 'c', '2');
    harness.publish();
    await reader.take('cluster', { c: '2' });
  });

  it('F3: a client that takes its time gets all of it, and one that takes no more is closed', async () => {
    await using harness = new GrpcHarness(protocol, { blockedMs: 1_000 });
    harness.world.set('endpoints', 'e', 'x'.repeat(3_000_000));
    await harness.start();
    await using cable = await Cable.to(harness.port, 750_000);
    using slow = new PlainStream(protocol, cable.port, { id: 'slow' });
    slow.ask(TYPES.endpoints, ['e']);
    await until('all of it', () => slow.types.length > 0 || slow.end !== undefined);
    expect(slow.end).toBeUndefined();
    await using another = await Cable.to(harness.port, 750_000);
    using stopping = new PlainStream(protocol, another.port, { id: 'stopping' });
    stopping.ask(TYPES.endpoints, ['e']);
    await until('some of it', () => another.carried > 1_000_000);
    another.cut();
    const closed = await until('the end', () => harness.observer.closed[0]);
    expect(closed).toMatchObject({ stream: { nodeId: 'stopping' }, reason: expect.stringContaining('has taken nothing') });
    expect(slow.end).toBeUndefined();
  });

  it('F4: changes of one turn of the event loop come together, at once', async () => {
    await using harness = new GrpcHarness(protocol);
    harness.world.set('endpoints', 'a', '0').set('endpoints', 'b', '0');
    const client = await harness.connect(pathOf('endpoints'));
    const isQuiet = (): boolean => harness.server.proxies().every(({ types }) => types.every(({ pending }) => !pending));
    client.subscribe('endpoints', ['a', 'b']);
    await client.take('endpoints', { a: '0', b: '0' });
    await until('the acknowledgement', isQuiet);
    const before = harness.observer.sent.length;
    for (let index = 1; index <= 10; index += 1) {
      harness.world.set('endpoints', 'a', String(index)).set('endpoints', 'b', String(index));
      harness.publish();
    }
    expect(harness.observer.sent).toHaveLength(before);
    await new Promise((resolve) => setImmediate(resolve));
    expect(harness.observer.sent).toHaveLength(before + 1);
    await client.take('endpoints', { a: '10', b: '10' });
    await until('the acknowledgement', isQuiet);
    expect(harness.observer.sent).toHaveLength(before + 1);
    await until('the change to be counted', () => harness.observer.convergence.length > 0);
  });

  it('F11: when the server stops it ends its streams, and the clients are told', async () => {
    await using harness = new GrpcHarness(protocol);
    const client = await harness.connect(pathOf('cluster'));
    client.subscribe('cluster', ['a']);
    await until('the server to know the client', () => harness.server.proxies().length === 1);
    await harness.server.stop();
    expect((await endOf(client)).code).toBe(status.UNAVAILABLE);
    expect(harness.observer.closed).toHaveLength(1);
  });

  it('F11: a server that drains serves on, refuses nobody at first, ends its streams one by one, and then lets nobody in', async () => {
    const clock = new HandClock();
    await using harness = new GrpcHarness(protocol, {}, clock);
    harness.world.set('cluster', 'a', '1');
    const clients: Client[] = [];
    const add = async (content: string): Promise<void> => {
      const client = await harness.connect(pathOf('cluster'));
      client.subscribe('cluster', ['*']);
      await client.take('cluster', { a: content });
      clients.push(client);
    };
    for (let index = 0; index < 6; index += 1) await add('1');
    const drained = harness.server.drain({ overMs: 1_500, signal: new AbortController().signal });
    expect(harness.server.isDraining).toBe(true);
    harness.world.set('cluster', 'a', '2');
    harness.publish();
    for (const client of clients) await client.take('cluster', { a: '2' });
    await add('2');
    await until('all answers', () => harness.server.proxies().every(({ types }) => types.every(({ pending }) => !pending)));
    // The first part of the time is for load balancers; of the rest each stream has its share.
    await clock.advance(300);
    expect(harness.server.proxies()).toHaveLength(7);
    for (let gone = 1; gone <= 7; gone += 1) {
      await clock.advance(gone === 1 ? 1_200 / 7 + 20 : 1_200 / 7);
      // The next one's turn may come before this one's is looked at.
      expect([7 - gone, Math.max(0, 6 - gone)]).toContain(harness.server.proxies().length);
    }
    await clock.advance(20);
    expect(await drained).toEqual({ streams: 6, left: 0 });
    for (const client of clients) expect((await endOf(client)).code).toBe(status.UNAVAILABLE);
    const late = await harness.connect(pathOf('cluster'));
    late.subscribe('cluster', ['*']);
    expect((await endOf(late)).code).toBe(status.UNAVAILABLE);
  });

  it('F11: a connection is told to be given up before its stream ends: the next stream takes another one', async () => {
    await using harness = new GrpcHarness(protocol);
    await harness.start();
    await using wire = new DeafWire(harness.port, pathOf('cluster'));
    new Client(protocol, wire).subscribe('cluster', ['*']);
    await until('the server to know the client', () => harness.server.proxies().length === 1);
    await harness.server.drain({ overMs: 200, signal: new AbortController().signal });
    await until('the end', () => wire.happened.includes('stream closed'));
    // The connection ends with another word of it.
    expect(wire.happened.slice(0, 2)).toEqual(['go away', 'stream closed']);
  });

  it('bytes that are no request close the stream and nothing else', async () => {
    await using harness = new GrpcHarness(protocol);
    const client = await harness.connect(pathOf('listener'));
    client.wire.send(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff]));
    expect((await endOf(client)).code).toBe(status.INVALID_ARGUMENT);
    const other = await harness.connect(pathOf('listener'));
    other.subscribe('listener', ['*']);
    await other.take('listener', {});
  });
});
