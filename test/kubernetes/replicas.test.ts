/** Two control planes on one real API server: what they serve is the same, and ends at the same time. */
import { isDeepStrictEqual } from 'node:util';
import { credentials, Client as GrpcClient } from '@grpc/grpc-js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type App, startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import type { Logger } from '../../src/logger.ts';
import type { KubernetesObject } from '../support/kubernetes/api-client.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/api-server.ts';
import { until } from '../support/until.ts';
import { Client } from '../support/xds/client.ts';
import { ADS, GrpcWire, METHODS } from '../support/xds/harness.ts';
import { decodeMessage } from '../support/xds/independent.ts';

const LOG: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };

let api: ApiServer;
beforeAll(async () => {
  api = await startApiServer();
});
afterAll(() => api[Symbol.asyncDispose]());

/** A replica. @param ahead ms by which its clock is ahead */
async function replica(ahead = (): number => 0): Promise<App> {
  const where = ['--source', 'kubernetes', '--kubeconfig', await api.kubeconfigFile('admin')];
  const { config } = readConfig([...where, '--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'], {});
  if (config === undefined) throw new Error('these settings are right');
  const app = await startApp(config, { log: LOG, version: '1.2.3', now: () => Date.now() + ahead() });
  await until('ready', async () => (await get(app, '/readyz')) === 'ok\n', 60_000);
  return app;
}

async function get(app: App, path: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${app.admin.port}${path}`)).text();
}

interface Told {
  readonly key: string;
  readonly state: string;
  readonly preview: { readonly namespace: string };
}

async function intercepts(app: App, namespace: string): Promise<readonly string[]> {
  const all = (JSON.parse(await get(app, '/api/intercepts')) as { readonly intercepts: readonly Told[] }).intercepts;
  return all.filter(({ preview }) => preview.namespace === namespace).map(({ key, state }) => `${key} ${state}`);
}

const listen = { listen: { stringValue: '127.0.0.1:8080' } };
const inbound = {
  inbound: {
    listValue: {
      values: [{ structValue: { fields: { listen: { stringValue: '10.1.0.1:8080' }, app: { stringValue: '127.0.0.1:8081' } } } }],
    },
  },
  outbound: { stringValue: '127.0.0.1:15001' },
};
const node = (id: string, fields: object) => ({ id, metadata: { fields: { detour: { structValue: { fields } } } } });

interface Resource {
  readonly name: string;
  readonly version: string;
  readonly resource: { readonly value: Uint8Array };
}

/** All that Envoys of every kind are sent: versions and bytes. */
async function everything(app: App, namespace: string): Promise<unknown> {
  const nodes = [
    node(`gateway~${namespace}/edge`, listen),
    node(`sidecar~${namespace}/api-0`, inbound),
    node(`sidecar~${namespace}/pr-1`, inbound),
    { id: 'grpc-client' },
  ];
  const heard: unknown[] = [];
  for (const each of nodes) {
    const connection = new GrpcClient(`127.0.0.1:${app.xds.port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    const same = (bytes: Buffer): Buffer => bytes;
    const wire = new GrpcWire(connection.makeBidiStreamRequest(`${ADS}/${METHODS.delta}`, same, same), 'delta');
    const client = new Client('delta', wire, each);
    for (const type of ['cluster', 'endpoints', 'listener', 'scopedRoute', 'route'] as const) {
      client.subscribe(type, ['*']);
      const reply = decodeMessage('envoy.service.discovery.v3.DeltaDiscoveryResponse', await wire.receive());
      client.raw(type, { nonce: reply.nonce });
      const resources = (reply.resources as readonly Resource[]).map(
        ({ name, version, resource }) => `${name} ${version} ${Buffer.from(resource.value).toString('latin1')}`,
      );
      heard.push([each.id, type, reply.system_version_info, resources.toSorted()]);
    }
    await wire[Symbol.asyncDispose]();
    connection.close();
  }
  return heard;
}

const named = (kind: string, namespace: string, name: string, rest: object, apiVersion = 'v1'): KubernetesObject => {
  const { metadata = {}, ...others } = rest as { readonly metadata?: object };
  return { apiVersion, kind, metadata: { name, namespace, ...metadata }, ...others };
};

/** A Service with a host and two baseline pods, and a preview of it. */
function shop(namespace: string, annotations: Readonly<Record<string, string>> = {}): Record<string, KubernetesObject> {
  return {
    service: named('Service', namespace, 'api', {
      metadata: { annotations: { 'detour.dev/host': `${namespace}.example.com` } },
      spec: { selector: { app: 'api' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    }),
    slice: named(
      'EndpointSlice',
      namespace,
      'api-1',
      {
        metadata: { labels: { 'kubernetes.io/service-name': 'api' } },
        addressType: 'IPv4',
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
        endpoints: ['api-0', 'api-1'].map((name, index) => ({
          addresses: [`10.1.0.${index + 1}`],
          conditions: { ready: true },
          targetRef: { kind: 'Pod', namespace, name },
        })),
      },
      'discovery.k8s.io/v1',
    ),
    pod: named('Pod', namespace, 'pr-1', {
      metadata: {
        labels: { 'detour.dev/preview': 'pr-1' },
        annotations: { 'detour.dev/intercept': 'api', 'detour.dev/match': 'x-user=alice', ...annotations },
      },
      spec: { nodeName: 'node-1', containers: [{ name: 'main', image: 'shop', ports: [{ containerPort: 8080 }] }] },
      status: {
        phase: 'Running',
        podIP: '10.1.0.9',
        podIPs: [{ ip: '10.1.0.9' }],
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    }),
  };
}

async function apply(namespace: string, annotations: Readonly<Record<string, string>> = {}): Promise<void> {
  const objects = Object.values(shop(namespace, annotations));
  await api.apply([{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } }, ...objects]);
}

test('replicas that were started at different times, and saw different things, serve the same to the byte', async () => {
  await using first = await replica();
  await apply('alike');
  await apply('other');
  const [{ service }, { pod }] = [shop('alike'), shop('other')];
  if (service === undefined || pod === undefined) throw new Error('they are there');
  await until('the previews', async () => (await intercepts(first, 'other')).join() === 'pr-1 active');
  await api.delete([service]);
  await until('the Service to be gone', async () => (await intercepts(first, 'alike')).join() === 'pr-1 invalid');
  await api.apply([service]);
  await until('the Service to be back', async () => (await intercepts(first, 'alike')).join() === 'pr-1 active');
  await using second = await replica();
  for (const namespace of ['alike', 'other']) {
    const served = await everything(first, namespace);
    expect(JSON.stringify(served)).toContain('pr-1');
    expect(await everything(second, namespace)).toEqual(served);
  }
}, 120_000);

test('an intercept ends in the second that it says, in every replica; each goes by its own clock', async () => {
  await apply('ending');
  await using first = await replica();
  await using second = await replica();
  await using fast = await replica(() => 300_000);
  const expires = (Math.floor(Date.now() / 1000) + 4) * 1000;
  await apply('ending', { 'detour.dev/expires': new Date(expires).toISOString().replace('.000Z', 'Z') });
  const endOf = async (app: App): Promise<number> => {
    await until('the end', async () => (await intercepts(app, 'ending')).join() === 'pr-1 expired');
    return Date.now();
  };
  expect(await endOf(fast)).toBeLessThan(expires);
  expect(await get(fast, '/readyz?verbose')).toMatch(
    /\[\+\] clock: is (299|300|301) s ahead of the API server's: intercepts expire early here; set the clock of this machine\n/,
  );
  expect(await get(fast, '/metrics')).toMatch(/detour_source_clock_ahead_seconds\{source="kubernetes"\} (299|300|301)/);
  expect(await get(first, '/readyz?verbose')).not.toContain('clock');
  expect(await intercepts(first, 'ending')).toEqual(['pr-1 active']);
  for (const ended of await Promise.all([endOf(first), endOf(second)])) {
    expect(ended).toBeGreaterThanOrEqual(expires);
    expect(ended).toBeLessThan(expires + 1_000);
  }
}, 120_000);

test.each([
  ['pods first', ['pod', 'slice', 'service']],
  ['Services first', ['service', 'slice', 'pod']],
  ['slices first', ['slice', 'pod', 'service']],
] as const)(
  'a namespace that is deleted with previews in it, %s, leaves nothing, and others as they are',
  async (_, order) => {
    const namespace = `going-${order[0]}`;
    await apply('staying');
    let ahead = 0;
    await using app = await replica(() => ahead);
    const before = await everything(app, 'staying');
    await apply(namespace);
    await until('the preview', async () => (await intercepts(app, namespace)).join() === 'pr-1 active');
    const objects = shop(namespace);
    for (const part of order) {
      const object = objects[part];
      if (object !== undefined) await api.delete([object]);
    }
    // What has lost its pods is kept for a while, in case that they come back.
    await until('the intercept to have ended', async () => (await intercepts(app, namespace)).join() !== 'pr-1 active');
    ahead = 60_000;
    const nudge = named('Service', 'staying', 'nudge', { spec: { ports: [{ name: 'tcp', port: 1 }] } });
    await api.apply([nudge]);
    await until('nothing to be left', async () => (await intercepts(app, namespace)).length === 0);
    await api.delete([nudge]);
    expect(await get(app, '/api/problems')).not.toContain(namespace);
    await until('others to be as they were', async () => isDeepStrictEqual(await everything(app, 'staying'), before));
    expect(await intercepts(app, 'staying')).toEqual(['pr-1 active']);
  },
  120_000,
);
