import { credentials, Client as GrpcClient, status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { encodeMessage } from '../../src/xds/codec.ts';
import { until } from '../support/until.ts';
import { GrpcHarness } from '../support/xds/harness.ts';
import { type Decoded, decodeMessage } from '../support/xds/independent.ts';

const SERVICE = '/envoy.service.status.v3.ClientStatusDiscoveryService';
const PATH = `${SERVICE}/FetchClientStatus`;
const same = (bytes: Buffer): Buffer => bytes;

async function fetchStatus(harness: GrpcHarness, request: object): Promise<Decoded> {
  const client = new GrpcClient(`127.0.0.1:${harness.port}`, credentials.createInsecure());
  const bytes = Buffer.from(encodeMessage('envoy.service.status.v3.ClientStatusRequest', request));
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(PATH, same, same, bytes, (error, response) =>
        error === null && response !== undefined
          ? resolve(decodeMessage('envoy.service.status.v3.ClientStatusResponse', response))
          : reject(error),
      );
    });
  } finally {
    client.close();
  }
}

it.each(['sotw', 'delta'] as const)(
  'V9: CSDS says of every resource whether the client has it, refused it, or has not answered, %s',
  async (protocol) => {
    await using harness = new GrpcHarness(protocol);
    harness.world.set('cluster', 'c', '1').set('endpoints', 'bad', '1').set('route', 'r', '1');
    const client = await harness.connect();
    client.subscribe('cluster', ['*']);
    await client.take('cluster', { c: '1' });
    client.subscribe('endpoints', ['bad']);
    client.nack(await client.expect('endpoints', { bad: '1' }), 'wrong');
    client.subscribe('route', ['r', 'none']);
    await client.next();
    const { config } = await fetchStatus(harness, {});
    expect(config).toHaveLength(1);
    expect(config[0].node.id).toBe('test-client');
    const states = config[0].generic_xds_configs.map((each: Decoded) => [
      each.name,
      each.config_status,
      each.client_status,
      each.error_state?.details,
    ]);
    expect(states).toEqual([
      ['c', 'SYNCED', 'ACKED', undefined],
      ['bad', 'ERROR', 'NACKED', 'wrong'],
      ['r', 'STALE', 'REQUESTED', undefined],
      ['none', 'NOT_SENT', 'DOES_NOT_EXIST', undefined],
    ]);
    // What the client accepts afterwards of the same type is no reason to forget why it refused this.
    harness.world.set('endpoints', 'good', '1');
    harness.publish();
    client.subscribe('endpoints', ['good']);
    await client.take('endpoints', { good: '1' });
    await until('the acknowledgement', () =>
      harness.server.proxies()[0]?.types.every(({ type, pending }) => type !== 'endpoints' || !pending),
    );
    const later = (await fetchStatus(harness, {})).config[0].generic_xds_configs.find(({ name }: Decoded) => name === 'bad');
    expect(later).toMatchObject({ config_status: 'ERROR', error_state: { details: 'wrong' } });
    expect((await fetchStatus(harness, { node_matchers: [{ node_id: { prefix: 'test-' } }] })).config).toHaveLength(1);
    expect((await fetchStatus(harness, { node_matchers: [{ node_id: { exact: 'other' } }] })).config).toHaveLength(0);
    await expect(fetchStatus(harness, { node_matchers: [{ node_id: { safe_regex: { regex: '.*' } } }] })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
  },
);

/** @returns how a stream ends that asks for the state of all clients. */
async function endOfStream(harness: GrpcHarness): Promise<{ readonly code: number; readonly details: string }> {
  const client = new GrpcClient(`127.0.0.1:${harness.port}`, credentials.createInsecure());
  try {
    const call = client.makeBidiStreamRequest<Buffer, Buffer>(`${SERVICE}/StreamClientStatus`, same, same);
    let end: { readonly code: number; readonly details: string } | undefined;
    call.on('error', () => {});
    call.on('status', (told: { code: number; details: string }) => {
      end = told;
    });
    call.on('data', () => call.end());
    call.write(Buffer.alloc(0));
    return await until('the end of the stream', () => end);
  } finally {
    client.close();
  }
}

it.each(['sotw', 'delta'] as const)(
  'V9: CSDS tells of so many resources at once, and of one node where they are more, %s',
  async (protocol) => {
    await using harness = new GrpcHarness(protocol, { maxStatusResources: 6 });
    for (const name of ['a', 'b', 'c']) harness.world.set('cluster', name, '1');
    const [one, two] = [await harness.connect(), await harness.connect()];
    for (const [id, client] of Object.entries({ one, two })) {
      client.subscribe('cluster', ['*'], { node: { id } });
      await client.take('cluster', { a: '1', b: '1', c: '1' });
    }
    await until('the answers', () => harness.observer.acks === 2);
    expect((await fetchStatus(harness, {})).config).toHaveLength(2);
    expect(await endOfStream(harness)).toMatchObject({ code: status.OK });
    const { requests } = harness.observer;
    two.subscribe('endpoints', ['none']);
    const tooMany = { code: status.RESOURCE_EXHAUSTED, details: expect.stringMatching(/6 resources at most.*node_matchers/) };
    await until('the question', () => harness.observer.requests > requests);
    await expect(fetchStatus(harness, {})).rejects.toMatchObject(tooMany);
    expect(await endOfStream(harness)).toMatchObject(tooMany);
    const { config } = await fetchStatus(harness, { node_matchers: [{ node_id: { exact: 'two' } }] });
    expect(config.map((each: Decoded) => [each.node.id, each.generic_xds_configs.length])).toEqual([['two', 4]]);
  },
);
