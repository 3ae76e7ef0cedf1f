import { credentials, Client as GrpcClient, status } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { encodeMessage } from '../../src/xds/codec.ts';
import { until } from '../support/until.ts';
import { GrpcHarness } from '../support/xds/harness.ts';
import { type Decoded, decodeMessage } from '../support/xds/independent.ts';

const PATH = '/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus';
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
