/** Streams that come together, and streams whose connection has grown old. */
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { until } from '../support/until.ts';
import type { Client } from '../support/xds/client.ts';
import { pathOfType } from '../support/xds/grpc-types-wire.ts';
import { ADS, GrpcHarness, GrpcWire, METHODS } from '../support/xds/harness.ts';

const WAYS = (['sotw', 'delta'] as const).flatMap((protocol) => [
  { protocol, streams: 'ads', path: `${ADS}/${METHODS[protocol]}` },
  { protocol, streams: 'type', path: pathOfType('cluster', protocol) },
]);

function endOf({ wire }: Client): Promise<{ readonly code: number; readonly details: string }> {
  if (!(wire instanceof GrpcWire)) throw new Error('This client is connected over gRPC.');
  return until('the end of the stream', () => wire.ended);
}

async function newcomers(harness: GrpcHarness, count: number, path: string): Promise<readonly Client[]> {
  const clients: Client[] = [];
  const before = harness.observer.connections;
  for (let index = 0; index < count; index += 1) {
    const client = await harness.connect(path);
    client.subscribe('cluster', ['*'], { node: { id: `client-${index}` } });
    clients.push(client);
    // The order in which they come is that of the queue.
    await until('the connection', () => harness.observer.connections === before + index + 1);
  }
  return clients;
}

const known = ({ server }: GrpcHarness): readonly string[] => server.proxies().map(({ id }) => id);

describe.each(WAYS)('F5: streams that come together, $protocol, $streams', ({ protocol, path }) => {
  it('F5: are read one after the other: the next when one has answered what it was sent', async () => {
    await using harness = new GrpcHarness(protocol, { maxSyncing: 1, syncMs: 600_000, waitMs: 600_000 });
    harness.world.set('cluster', 'a', '1');
    const clients = await newcomers(harness, 3, path);
    for (const [index, client] of clients.entries()) {
      const reply = await client.expect('cluster', { a: '1' });
      expect(known(harness)).toEqual(Array.from({ length: index + 1 }, (_, each) => `client-${each}`));
      client.ack(reply);
    }
    // Who has been let in needs no place for what comes later.
    harness.world.set('cluster', 'a', '2');
    harness.publish();
    for (const client of clients) await client.expect('cluster', { a: '2' });
    expect(harness.observer.sentAway).toEqual([]);
  });

  it('F5: do not wait for one that goes, or that does not answer', async () => {
    await using harness = new GrpcHarness(protocol, { maxSyncing: 1, syncMs: 2_000, waitMs: 600_000 });
    harness.world.set('cluster', 'a', '1');
    const [first, second, third] = await newcomers(harness, 3, path);
    await first?.expect('cluster', { a: '1' });
    await first?.wire[Symbol.asyncDispose]();
    // It does not answer either.
    await second?.expect('cluster', { a: '1' });
    await until('the third', () => known(harness).includes('client-2'));
    await third?.expect('cluster', { a: '1' });
    expect(known(harness)).toEqual(['client-1', 'client-2']);
  });

  it('F5: are sent away when they have waited long or are too many, and served when they come again', async () => {
    await using harness = new GrpcHarness(protocol, { maxSyncing: 1, syncMs: 600_000, waitMs: 500, maxWaiting: 1 });
    harness.world.set('cluster', 'a', '1');
    const [first, second, third] = await newcomers(harness, 3, path);
    if (first === undefined || second === undefined || third === undefined) throw new Error('There are three.');
    const reply = await first.expect('cluster', { a: '1' });
    const over = { code: status.RESOURCE_EXHAUSTED, details: expect.stringContaining('come again later') };
    expect(await endOf(third)).toMatchObject(over);
    expect(await endOf(second)).toMatchObject(over);
    expect(harness.observer.sentAway).toHaveLength(2);
    expect(known(harness)).toEqual(['client-0']);
    first.ack(reply);
    const again = await harness.connect(path);
    again.subscribe('cluster', ['*']);
    await again.take('cluster', { a: '1' });
  });

  it('F5: that come before there is something to serve wait for it, however long that takes', async () => {
    await using harness = new GrpcHarness(protocol, { maxSyncing: 2, syncMs: 600_000, waitMs: 1, silentMs: 1 });
    harness.world.set('cluster', 'a', '1');
    await harness.start(false);
    const silent = await harness.connect(path);
    await until('the silent one', () => harness.observer.connections === 1);
    const clients = await newcomers(harness, 2, path);
    await until('the first', () => known(harness).length === 1);
    // Those who wait are looked at when the silent are.
    await endOf(silent);
    expect(harness.observer.sentAway).toEqual([]);
    harness.publish();
    await clients[0]?.take('cluster', { a: '1' });
    expect(harness.observer.sentAway).toEqual([]);
  });
});

describe.each(WAYS)('a stream on a connection, $protocol, $streams', ({ protocol, path }) => {
  it('F6: ends with the age of it, once its client has answered, and is missed by nobody', async () => {
    await using harness = new GrpcHarness(protocol, { maxAgeMs: 1_000, ageGraceMs: 600_000 });
    harness.world.set('cluster', 'a', '1');
    const client = await harness.connect(path);
    client.subscribe('cluster', ['*']);
    const reply = await client.expect('cluster', { a: '1' });
    await until('the age', () => harness.observer.givenUp.includes('age'));
    expect(harness.observer.closed).toEqual([]);
    client.ack(reply);
    expect(await endOf(client)).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining('age') });
    expect(harness.observer.closed).toMatchObject([{ reason: undefined }]);
    await until('the connection to end', () => harness.observer.connections === 0);
  });

  it('F6: is not waited for longer than the grace', async () => {
    await using harness = new GrpcHarness(protocol, { maxAgeMs: 500, ageGraceMs: 100 });
    harness.world.set('cluster', 'a', '1');
    const client = await harness.connect(path);
    client.subscribe('cluster', ['*']);
    await client.expect('cluster', { a: '1' });
    expect(await endOf(client)).toMatchObject({ code: status.UNAVAILABLE });
  });

  it('that never says who it is is closed', async () => {
    await using harness = new GrpcHarness(protocol, { silentMs: 200 });
    const client = await harness.connect(path);
    expect(await endOf(client)).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect(harness.observer.refused).toEqual(['The client has said nothing for 0.2 s.']);
  });
});
