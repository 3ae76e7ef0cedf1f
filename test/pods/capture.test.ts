/** What is captured of a pod's traffic, and what passes as if there were no sidecar. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CAPTURED_INBOUND_PORT, CAPTURED_OUTBOUND_PORT } from '../../src/model/capture.ts';
import { NODE_ADDRESS } from '../support/cluster/addresses.ts';
import { GREETING, PORTS } from '../support/pods/pod-ports.ts';
import { detourIn } from '../support/pods/pod-process.ts';
import { metricsOf, openPods, type Pod, type Pods } from '../support/pods/pods.ts';
import { until } from '../support/until.ts';
import { ask, HttpClient } from '../support/world/client.ts';
import { GrpcClient } from '../support/world/grpc.ts';
import { exchange, startTcpApp } from '../support/world/tcp.ts';

const run = promisify(execFile);
const FAMILIES = ['ipv4', 'ipv6'] as const;
/** A sidecar that looks at a silent connection lets it go after 1,000. */
const NOT_WAITED_MS = 900;

describe('a pod whose traffic is captured', () => {
  const stack = new AsyncDisposableStack();
  let pods: Pods;
  let caller: Pod;
  let api: Pod;
  let preview: Pod;

  beforeAll(async () => {
    pods = stack.use(await openPods());
    [caller, api, preview] = await Promise.all([
      pods.pod({ service: 'frontend', copy: 'baseline', sidecar: true }),
      pods.pod({ service: 'api', copy: 'baseline', sidecar: true }),
      pods.pod({ service: 'api', copy: 'pr-42', sidecar: false }),
    ]);
    await pods.serve('frontend', [caller]);
    await pods.serve('api', [api]);
    await pods.preview(preview);
    const keyed = { host: 'api', headers: { 'x-detour': 'pr-42' } };
    for (const port of ['http', 'plain'] as const) {
      await until(
        `${port} to be routed`,
        async () => (await caller.agent.do('ask', pods.at('api', port), keyed)).path === 'pr-42',
      );
    }
  }, 120_000);
  afterAll(() => stack.disposeAsync());

  describe.each(FAMILIES)('over %s', (family) => {
    test.each([
      ['HTTP/1.1', 'http', 'ask'],
      ['HTTP that nothing says it is', 'plain', 'ask'],
      ['h2c', 'h2c', 'askH2c'],
    ] as const)('%s goes by its key, and to the baseline without one', async (_, port, how) => {
      const at = pods.at('api', port, family);
      const host = `api.shop:${at.port}`;
      const keyed = await caller.agent.do(how, at, { host, headers: { baggage: 'user=1,detour=pr-42' } });
      expect(keyed).toMatchObject({ status: 200, path: 'pr-42', servedBy: 'pr-42' });
      const other = await caller.agent.do(how, at, { host, headers: { baggage: 'detour=pr-43' } });
      expect(other).toMatchObject({ status: 200, path: 'baseline', servedBy: 'baseline' });
      const plain = await caller.agent.do(how, at, { host });
      expect(plain).toMatchObject({ status: 200, path: 'baseline', servedBy: undefined });
    });

    test('gRPC and WebSocket go by their key', async () => {
      const { agent } = caller;
      const keyed = { 'x-detour': 'pr-42' };
      expect(await agent.do('callGrpc', pods.at('api', 'grpc', family), 'api:82', keyed)).toBe('pr-42');
      expect(await agent.do('callGrpc', pods.at('api', 'grpc', family), 'api:82', {})).toBe('baseline');
      const socket = { ...keyed, host: 'api' };
      expect(await agent.do('webSocket', pods.at('api', 'http', family), socket)).toEqual(['pr-42', 'there and back']);
      expect(await agent.do('webSocket', pods.at('api', 'http', family), { host: 'api' })).toEqual([
        'baseline',
        'there and back',
      ]);
    });

    test('raw TCP comes back byte for byte, and what speaks first is not waited for', async () => {
      const bytes = Array.from({ length: 70_000 }, (_, index) => String.fromCharCode((index * 31) % 256)).join('');
      const { heard } = await caller.agent.do('exchange', pods.at('api', 'raw', family), bytes, bytes.length);
      expect(heard === bytes).toBe(true);
      const first = await caller.agent.do('exchange', pods.at('api', 'mysql', family), '', GREETING.length);
      expect(first.heard).toBe(GREETING);
      expect(first.ms).toBeLessThan(NOT_WAITED_MS);
    });
  });

  test('the app gets what its caller sent, and whether that was TLS', async () => {
    await caller.agent.do('ask', pods.at('api'), { host: 'api', headers: { 'x-odd': 'Kept' } });
    expect(await api.agent.do('lastAsked')).toEqual({ host: 'api', 'x-odd': 'Kept', 'x-forwarded-proto': 'http' });
  });

  test('requests to hosts that are no Service go where they were sent', async () => {
    const at = pods.at1(preview);
    const reply = await caller.agent.do('ask', at, { host: 'api.example.com', headers: { 'x-detour': 'pr-42' } });
    expect(reply).toMatchObject({ status: 200, path: 'pr-42', servedBy: undefined });
    expect(await preview.agent.do('lastAsked')).not.toHaveProperty('x-detour-decided');
  });

  test('what is not HTTP passes at an HTTP port number, too: TLS at once, a server that speaks first after a second', async () => {
    await using echo = await startTcpApp('', PORTS.http.service, NODE_ADDRESS);
    const hello = '\x16\x03\x01\x02\0\x01\0';
    const tls = await caller.agent.do('exchange', { address: NODE_ADDRESS, port: echo.port }, hello, hello.length);
    expect(tls.heard).toBe(hello);
    expect(tls.ms).toBeLessThan(NOT_WAITED_MS);
    await using shy = await startTcpApp(GREETING, PORTS.h2c.service, NODE_ADDRESS);
    const first = await caller.agent.do('exchange', { address: NODE_ADDRESS, port: shy.port }, '', GREETING.length);
    expect(first.heard).toBe(GREETING);
  });

  test('probes reach the app: HTTP, gRPC and TCP, and are refused where nothing listens', async () => {
    const { ipv4 } = api.namespace.addresses;
    using client = new HttpClient(PORTS.http.pod, 1, ipv4);
    expect((await client.ask({ path: '/healthz', headers: { 'user-agent': 'kube-probe/1.34' } })).status).toBe(200);
    using grpc = new GrpcClient(`${ipv4}:${PORTS.grpc.pod}`);
    expect((await grpc.unary({ text: 'well?' })).copy).toBe('baseline');
    expect(await exchange(PORTS.raw.pod, 'x', 1, ipv4)).toBe('x');
    await expect(exchange(7777, 'x', 1, ipv4)).rejects.toThrow('ECONNREFUSED');
  });

  test('a keyed request from outside is routed by the inbound side', async () => {
    using client = new HttpClient(PORTS.http.pod, 1, api.namespace.addresses.ipv4);
    const reply = await client.ask({ host: 'api', headers: { 'x-detour': 'pr-42' } });
    expect([reply.status, reply.headers['x-detour-served-by']]).toEqual([200, 'pr-42']);
  });

  test('whoever connects to the sidecar itself is let go, and nothing goes in circles', async () => {
    const { ipv4 } = api.namespace.addresses;
    const before = await connections(api);
    await expect(exchange(CAPTURED_INBOUND_PORT, 'GET / HTTP/1.1\r\n\r\n', 1, ipv4)).rejects.toThrow();
    await expect(exchange(CAPTURED_OUTBOUND_PORT, 'GET / HTTP/1.1\r\n\r\n', 1, ipv4)).rejects.toThrow('ECONNREFUSED');
    const own = { address: '127.0.0.1', port: CAPTURED_OUTBOUND_PORT };
    await expect(api.agent.do('exchange', own, 'GET / HTTP/1.1\r\n\r\n', 1)).rejects.toThrow();
    // Each of them once, and the question itself; in circles they would be thousands.
    expect((await connections(api)) - before).toBeLessThan(10);
  });

  test('its containers reach each other as before', async () => {
    const { ipv4 } = api.namespace.addresses;
    const keyed = { host: 'api', headers: { 'x-detour': 'pr-42' } };
    for (const address of ['127.0.0.1', ipv4])
      expect(await api.agent.do('ask', { address, port: PORTS.http.pod }, keyed)).toMatchObject({
        path: 'baseline',
        servedBy: undefined,
      });
  });

  test('it calls itself by its Service, and a preview of itself', async () => {
    expect(await api.agent.do('ask', pods.at('api'), { host: 'api' })).toMatchObject({ path: 'baseline' });
    const keyed = { host: 'api', headers: { 'x-detour': 'pr-42' } };
    expect(await api.agent.do('ask', pods.at('api'), keyed)).toMatchObject({ path: 'pr-42' });
  });

  test('the rules are the same when they are set again, and are gone when they are undone', async () => {
    await using pod = await pods.pod({ service: 'identity', copy: 'baseline', sidecar: false });
    const { path, addresses } = pod.namespace;
    const rules = async (): Promise<string> => {
      const texts = ['iptables-nft-save', 'ip6tables-nft-save'].map((each) =>
        run('nsenter', [`--net=${path}`, each, '-t', 'nat']),
      );
      const lines = (await Promise.all(texts)).flatMap(({ stdout }) => stdout.split('\n'));
      return lines.filter((line) => line.startsWith('-A') || line.startsWith(':DETOUR')).join('\n');
    };
    expect(await rules()).toBe('');
    const capture = ['capture', '--pod-ips', `${addresses.ipv4},${addresses.ipv6}`];
    expect(await detourIn(path, capture)).toBe('iptables-nft: captured\nip6tables-nft: captured\n');
    const once = await rules();
    expect(once).toContain('DETOUR_INBOUND');
    await detourIn(path, capture);
    expect(await rules()).toBe(once);
    expect(await detourIn(path, ['capture', '--undo'])).toContain('no longer captured');
    expect(await rules()).toBe('');
  }, 90_000);
});

test('what is excluded needs no sidecar: ports, addresses, DNS and the API server', async () => {
  await using pods = await openPods();
  await using dns = await startTcpApp('', 53, NODE_ADDRESS);
  await using apiServer = await startTcpApp('', 6443, NODE_ADDRESS);
  const capture = [
    '--exclude-outbound-ports',
    '9000-9001',
    '--exclude-inbound-ports',
    '3306',
    '--exclude-outbound-cidrs',
    'fd78::/16',
  ];
  const environment = { KUBERNETES_SERVICE_HOST: NODE_ADDRESS, KUBERNETES_SERVICE_PORT: '6443' };
  const api = await pods.pod({ service: 'api', copy: 'baseline', sidecar: false });
  const pod = await pods.pod({ service: 'frontend', copy: 'baseline', sidecar: true, capture, environment });
  await pod.sidecar?.stop();
  const heard = async (address: string, port: number): Promise<string> =>
    (await pod.agent.do('exchange', { address, port }, 'x', 1)).heard;
  const { ipv4, ipv6 } = api.namespace.addresses;

  expect(await heard(ipv4, PORTS.raw.pod)).toBe('x');
  expect(await heard(ipv6, PORTS.raw.pod)).toBe('x');
  expect((await pod.agent.do('exchange', pods.at1(api, 'mysql', 'ipv6'), '', GREETING.length)).heard).toBe(GREETING);
  expect(await heard(NODE_ADDRESS, dns.port)).toBe('x');
  expect(await heard(NODE_ADDRESS, apiServer.port)).toBe('x');
  expect(await exchange(PORTS.mysql.pod, '', GREETING.length, pod.namespace.addresses.ipv4)).toBe(GREETING);
  // All else would have gone through the sidecar, which is not there.
  await expect(pod.agent.do('exchange', pods.at1(api, 'mysql'), '', 1)).rejects.toThrow('ECONNREFUSED');
  await expect(exchange(PORTS.raw.pod, 'x', 1, pod.namespace.addresses.ipv4)).rejects.toThrow('ECONNREFUSED');
}, 60_000);

test('a pod starts without a control plane, its traffic passes and a metric tells; then the control plane comes', async () => {
  await using pods = await openPods();
  const [baseline, preview] = await Promise.all([
    pods.pod({ service: 'api', copy: 'baseline', sidecar: false }),
    pods.pod({ service: 'api', copy: 'pr-42', sidecar: false }),
  ]);
  await pods.serve('api', [baseline]);
  await pods.preview(preview);
  await pods.plane.kill();

  const caller = await pods.pod({ service: 'frontend', copy: 'baseline', sidecar: true });
  const keyed = { host: 'api', headers: { 'x-detour': 'pr-42' } };
  expect(await caller.agent.do('ask', pods.at('api'), keyed)).toMatchObject({ status: 200, path: 'baseline' });
  expect(await caller.agent.do('ask', pods.at('api', 'http', 'ipv6'), keyed)).toMatchObject({ path: 'baseline' });
  expect((await caller.agent.do('exchange', pods.at('api', 'mysql'), '', GREETING.length)).heard).toBe(GREETING);
  expect((await ask(PORTS.http.pod, {}, caller.namespace.addresses.ipv4)).status).toBe(200);
  const metrics = await metricsOf(caller);
  expect(metrics).toMatch(/^envoy_control_plane_connected_state\{\} 0$/m);
  expect(metrics).toMatch(/^envoy_tcp_downstream_cx_total\{envoy_tcp_prefix="captured-outbound"\} [1-9]/m);

  await pods.plane.start();
  await until(
    'the key to lead to the preview',
    async () => (await caller.agent.do('ask', pods.at('api'), keyed)).path === 'pr-42',
    60_000,
  );
  expect(await metricsOf(caller)).toMatch(/^envoy_control_plane_connected_state\{\} 1$/m);
}, 120_000);

/** Connections that the sidecar of a pod has taken. */
async function connections(pod: Pod): Promise<number> {
  const lines = (await metricsOf(pod)).matchAll(/^envoy_listener_downstream_cx_total\{[^}]*\} (?<count>\d+)$/gm);
  return [...lines].reduce((sum, { groups }) => sum + Number(groups?.['count']), 0);
}
