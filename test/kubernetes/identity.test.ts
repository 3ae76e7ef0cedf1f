/** Whose a token is a real API server says: an Envoy is its own pod, and a gateway only where that is allowed. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type App, startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { bootstrap } from '../../src/envoy-bootstrap.ts';
import { sdsFiles } from '../../src/envoy-credentials.ts';
import type { Logger } from '../../src/logger.ts';
import { AdsClient, type ClientTls } from '../support/ads-client.ts';
import { Authority } from '../support/certificates.ts';
import { startEnvoy } from '../support/envoy.ts';
import type { TokenOptions } from '../support/kubernetes/api-access.ts';
import { type ApiServer, startApiServer } from '../support/kubernetes/api-server.ts';
import { MountedSecret } from '../support/mounted-secret.ts';
import { until } from '../support/until.ts';

const LOG: Logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
const NAME = 'detour.detour-system';
const RBAC = 'rbac.authorization.k8s.io';
const AUTHORITY = new Authority();

const stack = new AsyncDisposableStack();
let api: ApiServer;
let app: App;
let ahead = 0;

beforeAll(async () => {
  api = stack.use(await startApiServer({ users: [{ name: 'detour', groups: [] }] }));
  const objects = ['shop', 'edge', 'detour-system'].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }));
  await api.apply(objects);
  // What the chart gives: to read pods, and to ask whose a token is.
  const metadata = { name: 'detour', namespace: '' };
  await api.apply([
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRole',
      metadata,
      rules: [
        { apiGroups: [''], resources: ['services', 'pods'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs: ['get', 'list', 'watch'] },
        { apiGroups: ['authentication.k8s.io'], resources: ['tokenreviews'], verbs: ['create'] },
      ],
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata,
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: 'detour' },
      subjects: [{ kind: 'User', apiGroup: RBAC, name: 'detour' }],
    },
  ]);
  for (const [namespace, name, account] of [
    ['shop', 'api-0', 'api'],
    ['shop', 'web-0', 'web'],
    ['edge', 'gateway-0', 'gateway'],
    ['detour-system', 'gateway-0', 'detour-gateway'],
  ] as const)
    await pod(namespace, name, account);
  app = await control();
}, 90_000);
afterAll(() => stack.disposeAsync());

async function pod(namespace: string, name: string, serviceAccountName: string): Promise<void> {
  const spec = { serviceAccountName, containers: [{ name: 'main', image: 'shop' }] };
  await api.apply([
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: serviceAccountName, namespace } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, spec },
  ]);
}

async function control(): Promise<App> {
  const { cert, key } = AUTHORITY.issue({ names: [`DNS:${NAME}`] });
  const mount = stack.use(await MountedSecret.mount({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': AUTHORITY.cert }));
  const where = ['--source', 'kubernetes', '--kubeconfig', await api.kubeconfigFile('detour'), '--events', 'off'];
  const listen = ['--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];
  const tls = ['--tls-cert', mount.file('tls.crt'), '--tls-key', mount.file('tls.key'), '--tls-client-ca', mount.file('ca.crt')];
  const { config, mistakes } = readConfig([...where, ...listen, ...tls, '--tokens', 'on'], {});
  if (config === undefined) throw new Error(mistakes.join('\n'));
  const started = stack.use(await startApp(config, { log: LOG, version: '1.2.3', now: () => Date.now() + ahead }));
  await until('ready', async () => (await fetch(`http://127.0.0.1:${started.admin.port}/readyz`)).status === 200, 60_000);
  return started;
}

function tokenOf(namespace: string, account: string, options: TokenOptions): Promise<string> {
  return api.serviceAccountToken(namespace, account, { audience: 'detour', seconds: 600, ...options });
}

function open(node: string, token: string | undefined, certificate?: Partial<ClientTls>): AdsClient {
  const tls = { ca: AUTHORITY.cert, serverName: NAME, ...certificate };
  const detour = { listen: '127.0.0.1:8080' };
  return stack.use(new AdsClient({ port: app.xds.port, node, detour, tls, ...(token === undefined ? {} : { token }) }));
}

/** `in`, or what it was told. */
async function outcome(node: string, token: string | undefined, certificate?: Partial<ClientTls>): Promise<string> {
  const client = open(node, token, certificate);
  await until('an answer', () => client.responses.length > 0 || client.end !== undefined);
  return client.end ?? 'in';
}

describe('a token', () => {
  test('lets in a sidecar as the pod that it is bound to, and as no other', async () => {
    const token = await tokenOf('shop', 'api', { pod: 'api-0' });
    expect(await outcome('sidecar~shop/api-0', token)).toBe('in');
    for (const node of ['sidecar~shop/web-0', 'sidecar~edge/api-0'])
      expect(await outcome(node, token)).toMatch(/^7 PERMISSION_DENIED: .* pod shop\/api-0 .*node\.id sidecar~shop\/api-0\.$/);
    expect(await outcome('gateway~shop/api-0', token)).toMatch(
      /^7 PERMISSION_DENIED: .*may not be a gateway.*--gateways shop\/api/,
    );
  });

  test("lets in gateways of the control plane's namespace, and no others", async () => {
    const own = await tokenOf('detour-system', 'detour-gateway', { pod: 'gateway-0' });
    expect(await outcome('gateway~shop/edge', own)).toBe('in');
    const other = await tokenOf('edge', 'gateway', { pod: 'gateway-0' });
    expect(await outcome('gateway~edge/gateway-0', other)).toMatch(/^7 PERMISSION_DENIED/);
  });

  test('that is bound to no pod lets in no sidecar', async () => {
    expect(await outcome('sidecar~shop/api-0', await tokenOf('shop', 'api', {}))).toMatch(
      /^7 PERMISSION_DENIED: .* is bound to no pod/,
    );
  });

  test('for another audience lets nobody in, nor does one for the API server itself', async () => {
    const vault = await tokenOf('shop', 'api', { pod: 'api-0', audience: 'vault' });
    expect(await outcome('sidecar~shop/api-0', vault)).toMatch(
      /^16 UNAUTHENTICATED: the token is for audience vault, not for detour/,
    );
    const server = await api.serviceAccountToken('shop', 'api');
    expect(await outcome('sidecar~shop/api-0', server)).toMatch(/^16 UNAUTHENTICATED: .*not for detour/);
  });

  test('that somebody else has signed, or nobody, or that is none, lets nobody in', async () => {
    const token = await tokenOf('shop', 'api', { pod: 'api-0' });
    const [head = '', claims = ''] = token.split('.');
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const forged = sign('sha256', Buffer.from(`${head}.${claims}`), { key: privateKey, dsaEncoding: 'ieee-p1363' });
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    for (const bad of [`${head}.${claims}.${forged.toString('base64url')}`, `${none}.${claims}.`, `${none}.${claims}.x`])
      expect(await outcome('sidecar~shop/api-0', bad)).toMatch(/^16 UNAUTHENTICATED: the API server does not know the token/);
    expect(await outcome('sidecar~shop/api-0', 'x'.repeat(8_000))).toMatch(/^16 UNAUTHENTICATED: the token is no JSON web token/);
    expect(await outcome('sidecar~shop/api-0', undefined)).toMatch(
      /^16 UNAUTHENTICATED: no ServiceAccount token and no client certificate: start this Envoy with .* --xds-token or --xds-cert\.$/,
    );
  });

  test('of a pod that is gone lets nobody in', async () => {
    await pod('shop', 'gone-0', 'api');
    const token = await tokenOf('shop', 'api', { pod: 'gone-0' });
    await api.request('DELETE', '/api/v1/namespaces/shop/pods/gone-0?gracePeriodSeconds=0');
    await until('the refusal', async () =>
      (await outcome('sidecar~shop/gone-0', token)).startsWith('16 UNAUTHENTICATED: the API server does not know the token'),
    );
  });

  test('that has expired ends its stream, and opens no other; one that came in time does', async () => {
    const token = await tokenOf('shop', 'api', { pod: 'api-0' });
    const client = open('sidecar~shop/api-0', token);
    await until('the stream', () => client.responses.length > 0);
    try {
      ahead = 601_000;
      await until('the end', () => client.end);
      expect(client.end).toMatch(/^16 UNAUTHENTICATED: what proved that this is pod shop\/api-0 .* has expired/);
      expect(await outcome('sidecar~shop/api-0', token)).toMatch(/^16 UNAUTHENTICATED: the token has expired [12] s ago/);
    } finally {
      ahead = 0;
    }
    expect(await outcome('sidecar~shop/api-0', await tokenOf('shop', 'api', { pod: 'api-0' }))).toBe('in');
  });

  test('counts before a certificate', async () => {
    const certificate = AUTHORITY.issue({ names: ['DNS:web-0.shop.cluster.local'] });
    const token = await tokenOf('shop', 'api', { pod: 'api-0' });
    expect(await outcome('sidecar~shop/api-0', token, certificate)).toBe('in');
    expect(await outcome('sidecar~shop/web-0', token, certificate)).toMatch(/^7 PERMISSION_DENIED/);
    expect(await outcome('sidecar~shop/web-0', 'nonsense', certificate)).toMatch(/^16 UNAUTHENTICATED/);
  });
});

test('a pod has a hundred streams at most, and disturbs no other pod with them', async () => {
  await pod('shop', 'greedy-0', 'api');
  const token = await tokenOf('shop', 'api', { pod: 'greedy-0' });
  const clients = Array.from({ length: 100 }, () => open('sidecar~shop/greedy-0', token));
  await until('all to be let in', () => clients.every(({ responses }) => responses.length > 0), 60_000);
  expect(await outcome('sidecar~shop/greedy-0', token)).toMatch(
    /^8 RESOURCE_EXHAUSTED: pod shop\/greedy-0 \(ServiceAccount shop\/api\) has 100 streams already/,
  );
  expect(await outcome('sidecar~shop/api-0', await tokenOf('shop', 'api', { pod: 'api-0' }))).toBe('in');
  clients.pop()?.[Symbol.dispose]();
  await until('a place', async () => (await outcome('sidecar~shop/greedy-0', token)) === 'in');
  for (const client of clients) client[Symbol.dispose]();
}, 120_000);

test('a real Envoy shows its token, is let go when that expires, and comes back with the one that has replaced it', async () => {
  const first = await tokenOf('shop', 'web', { pod: 'web-0' });
  await using mount = await MountedSecret.mount({ token: first });
  const sds = await mkdtemp(join(tmpdir(), 'detour-sds-'));
  try {
    const credentials = { serverName: NAME, ca: { pem: AUTHORITY.cert }, token: mount.file('token'), sdsFolder: sds };
    for (const [name, content] of sdsFiles(credentials)) await writeFile(join(sds, name), JSON.stringify(content));
    const config = bootstrap({
      proxy: { role: 'sidecar', namespace: 'shop', name: 'web-0', inbound: [], outbound: undefined, services: [] },
      xds: [app.xds],
      admin: { host: '127.0.0.1', port: 0 },
      protocol: 'delta',
      credentials,
    });
    await using envoy = await startEnvoy({ config });
    const connected = async (): Promise<boolean> => (await envoy.stat('control_plane.connected_state')) === 1;
    await until('the stream', connected);
    await until('Envoy to have all', async () => (await envoy.admin('/ready')).startsWith('LIVE'));
    ahead = 601_000;
    await until('the old token to be refused', async () => (await envoy.log()).includes('the token has expired'), 30_000);
    await mount.update({ token: await tokenOf('shop', 'web', { pod: 'web-0', seconds: 3600 }) });
    const proxies = async (): Promise<string> => (await fetch(`http://127.0.0.1:${app.admin.port}/api/proxies`)).text();
    await until('Envoy to be back', async () => (await proxies()).includes('sidecar~shop/web-0'), 30_000);
    // What it had it kept all the while.
    expect(await envoy.admin('/ready')).toMatch(/^LIVE/);
  } finally {
    ahead = 0;
    await rm(sds, { recursive: true, force: true });
  }
}, 120_000);

test('the certificate of a ServiceAccount is good for the pods that run as it, and for no others', async () => {
  const certificate = AUTHORITY.issue({ names: ['URI:spiffe://cluster.local/ns/shop/sa/api'] });
  const ask = (node: string) => outcome(node, undefined, certificate);
  expect(await ask('sidecar~shop/api-0')).toBe('in');
  expect(await ask('sidecar~shop/web-0')).toMatch(/^7 PERMISSION_DENIED: .*that pod runs as ServiceAccount shop\/web/);
  expect(await ask('sidecar~shop/nobody')).toMatch(/^7 PERMISSION_DENIED: .*there is no such pod/);
});

test('while the API server is away, who was let in before comes back, and nobody else comes', async () => {
  const known = await tokenOf('shop', 'api', { pod: 'api-0' });
  const unknown = await tokenOf('shop', 'web', { pod: 'web-0' });
  expect(await outcome('sidecar~shop/api-0', known)).toBe('in');
  await api.stop();
  try {
    // What is remembered as fresh is not asked about at all.
    ahead = 120_000;
    expect(await outcome('sidecar~shop/api-0', known)).toBe('in');
    expect(await outcome('sidecar~shop/web-0', unknown)).toMatch(/^14 UNAVAILABLE: the token cannot be looked at now/);
  } finally {
    ahead = 0;
    await api.start();
  }
}, 60_000);
