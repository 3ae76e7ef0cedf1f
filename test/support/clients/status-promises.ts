/** What CSDS tells, to clients that read it with stubs of their own. */
import { expect, test } from 'vitest';
import { until } from '../until.ts';
import { GRPC_NODE } from '../world/proxyless.ts';
import type { GrpcBench } from './grpc-bench.ts';
import type { HeldResource, RpcClient } from './rpc-client.ts';

const KINDS = ['listener.v3.Listener', 'route.v3.RouteConfiguration', 'cluster.v3.Cluster', 'endpoint.v3.ClusterLoadAssignment'];

/** @param bench when its client has a Service with one preview */
export function statusPromises(bench: () => GrpcBench<RpcClient>): void {
  test('by CSDS it reads what it has itself: every resource, of every type, and that it has acknowledged each', async () => {
    const { client, world } = bench();
    const status = (): Promise<readonly HeldResource[]> => client.statusOf(`127.0.0.1:${world.plane.xdsPort}`);
    // What changed a moment ago may be on its way.
    const held = await until('the client to have acknowledged all', async () => {
      const all = await status();
      return all.every(({ configStatus }) => configStatus === 'SYNCED') && all.length > 0 ? all : undefined;
    });
    const count = (kind: string): number => held.filter(({ type }) => type === `type.googleapis.com/envoy.config.${kind}`).length;
    // One listener and its routes; a cluster for the baseline and for the preview, each with its endpoints.
    expect(KINDS.map(count)).toEqual([1, 1, 2, 2]);
    expect(held).toHaveLength(6);
    expect(new Set(held.map(({ node }) => node))).toEqual(new Set([GRPC_NODE]));
    expect(new Set(held.map(({ clientStatus }) => clientStatus))).toEqual(new Set(['ACKED']));
    expect(held.every(({ name, version }) => name !== '' && version !== '')).toBe(true);
    expect(held.map(({ name }) => name)).toContain('api.shop:8080');
  });
}
