/** A gateway behind what ends TLS for it, here another Envoy: who says what of the client, and who is believed. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEnvoy } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { ask } from '../support/world/client.ts';
import { EdgeWorld, HOST, seen, ZONE } from '../support/world/edge.ts';
import { askTls, type TlsReply } from '../support/world/tls-client.ts';

let world: EdgeWorld;
beforeAll(async () => {
  world = await EdgeWorld.open();
});
afterAll(() => world?.[Symbol.asyncDispose]());

/** @returns the port of a gateway without TLS */
async function gateway(trustedHops: number | undefined): Promise<number> {
  const listen = { host: '127.0.0.1', port: await freePort() };
  const who = {
    role: 'gateway',
    namespace: 'shop',
    name: `edge-${trustedHops}`,
    previewDomain: undefined,
    corsOrigins: [],
  } as const;
  await world.world.envoy({ ...who, listen, ...(trustedHops !== undefined && { trustedHops }) });
  await until('the gateway to serve', async () => (await ask(listen.port, { host: HOST })).status === 200);
  return listen.port;
}

/** Ends TLS for all hosts, passes the host on, and says what it knows of the client. */
function ingress(port: number, to: number): object {
  const { cert, key } = world.authority.issue({ names: [`DNS:${ZONE}`] });
  const extensions = 'type.googleapis.com/envoy.extensions';
  const certificate = { certificate_chain: { inline_string: cert }, private_key: { inline_string: key } };
  const tls = { alpn_protocols: ['h2', 'http/1.1'], tls_certificates: [certificate] };
  const socket = { '@type': `${extensions}.transport_sockets.tls.v3.DownstreamTlsContext`, common_tls_context: tls };
  const manager = {
    '@type': `${extensions}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'ingress',
    use_remote_address: true,
    http_filters: [{ name: 'router', typed_config: { '@type': `${extensions}.filters.http.router.v3.Router` } }],
    route_config: {
      virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'gateway' } }] }],
    },
  };
  const at = (port_value: number): object => ({ socket_address: { address: '127.0.0.1', port_value } });
  const chain = {
    filters: [{ name: 'http', typed_config: manager }],
    transport_socket: { name: 'tls', typed_config: socket },
  };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address: at(to) } }] }];
  const clusters = [{ name: 'gateway', load_assignment: { cluster_name: 'gateway', endpoints } }];
  return { static_resources: { listeners: [{ name: 'tls', address: at(port), filter_chains: [chain] }], clusters } };
}

/** One request from a client that lies, through the ingress to such a gateway. */
async function through(trustedHops: number | undefined): Promise<(host: string) => Promise<TlsReply>> {
  const port = await freePort();
  const envoy = world.world.use(await startEnvoy({ config: ingress(port, await gateway(trustedHops)) }));
  await until('the ingress', async () => (await envoy.stat('listener_manager.workers_started')) === 1);
  const headers = { 'x-forwarded-proto': 'http', 'x-forwarded-for': '203.0.113.7' };
  return (host) => askTls({ port, ca: world.authority.cert }, { host, headers });
}

test('what the ingress says of the client gets to the app, where the gateway is told to believe it', async () => {
  const believed = await through(1);
  const headers = seen(await believed(HOST));
  expect(headers['x-forwarded-proto']).toBe('https');
  // What the client says of itself, the client by the ingress, the ingress by the gateway.
  expect(String(headers['x-forwarded-for']).split(',')).toHaveLength(3);
  expect(headers['host']).toBe(HOST);
});

test('without that the app hears of the last connection alone', async () => {
  const doubted = await through(undefined);
  expect(seen(await doubted(HOST))['x-forwarded-proto']).toBe('http');
});

test('preview URLs work through the ingress, and the page of an unknown one links to what the browser came by', async () => {
  const host = `pr-42--${HOST}`;
  const ask = await through(1);
  const pods = [await world.world.pod({ service: 'frontend', copy: 'pr-42', pod: 'frontend-pr-42' })];
  await world.world.preview({ key: 'pr-42', pods });
  const reply = await until('the preview', async () => {
    const reply = await ask(host);
    return reply.headers['x-detour-served-by'] === 'pr-42' ? reply : undefined;
  });
  expect([reply.status, seen(reply)['host']]).toEqual([200, host]);
  const page = await ask(`nobody--${HOST}`);
  expect([page.status, page.text.includes(`href="//${HOST}/"`)]).toEqual([404, true]);
  await world.world.noPreview(pods);
});

test('a client that comes to a gateway itself is not believed, unless the gateway counts on a proxy before it', async () => {
  const lies = { 'x-forwarded-proto': 'https' };
  const heard = async (port: number) => seen(await ask(port, { host: HOST, headers: lies }))['x-forwarded-proto'];
  expect(await heard(await gateway(0))).toBe('http');
  // Why such a gateway must be reached by that proxy alone.
  expect(await heard(await gateway(1))).toBe('https');
});
