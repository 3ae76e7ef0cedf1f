/** Pods of a cluster that has no IPv4: what is captured, and where requests land. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CAPTURED_INBOUND_PORT } from '../../src/model/capture.ts';
import { GREETING, PORTS } from '../support/pods/pod-ports.ts';
import { detourIn } from '../support/pods/pod-process.ts';
import { metricsOf, openPods, type Pod, type Pods } from '../support/pods/pods.ts';
import { until } from '../support/until.ts';
import { HttpClient } from '../support/world/client.ts';
import { exchange } from '../support/world/tcp.ts';

const run = promisify(execFile);

describe('pods that have an IPv6 address alone', () => {
  const stack = new AsyncDisposableStack();
  let pods: Pods;
  let caller: Pod;
  let api: Pod;
  let preview: Pod;
  const keyed = { host: 'api', headers: { 'x-detour': 'pr-42' } };

  beforeAll(async () => {
    pods = stack.use(await openPods(['ipv6']));
    [caller, api, preview] = await Promise.all([
      pods.pod({ service: 'frontend', copy: 'baseline', sidecar: true, calls: ['api'] }),
      pods.pod({ service: 'api', copy: 'baseline', sidecar: true }),
      pods.pod({ service: 'api', copy: 'pr-42', sidecar: true }),
    ]);
    await pods.serve('frontend', [caller]);
    await pods.serve('api', [api]);
    await pods.preview(preview);
    for (const port of ['http', 'plain'] as const)
      await until(
        `${port} to be routed`,
        async () => (await caller.agent.do('ask', pods.at('api', port), keyed)).path === 'pr-42',
        60_000,
      );
  }, 120_000);
  afterAll(() => stack.disposeAsync());

  test('have none of IPv4', async () => {
    const { stdout } = await run('nsenter', [`--net=${api.namespace.path}`, 'ip', '-4', '-o', 'address', 'show', 'dev', 'eth0']);
    expect([stdout, api.namespace.addresses.ipv4]).toEqual(['', '']);
  });

  test.each([
    ['HTTP/1.1', 'http', 'ask'],
    ['HTTP that nothing says it is', 'plain', 'ask'],
    ['h2c', 'h2c', 'askH2c'],
  ] as const)('%s goes by its key, and to the baseline without one', async (_, port, how) => {
    const at = pods.at('api', port);
    for (const host of [`api.shop:${at.port}`, `[${at.address}]:${at.port}`]) {
      const own = { host, headers: { baggage: 'user=1,detour=pr-42' } };
      expect(await caller.agent.do(how, at, own)).toMatchObject({ status: 200, path: 'pr-42', servedBy: 'pr-42' });
      const other = { host, headers: { baggage: 'detour=pr-43' } };
      expect(await caller.agent.do(how, at, other)).toMatchObject({ status: 200, path: 'baseline', servedBy: 'baseline' });
      expect(await caller.agent.do(how, at, { host })).toMatchObject({ status: 200, path: 'baseline', servedBy: undefined });
    }
  });

  test('gRPC and WebSocket go by their key; raw TCP comes back, and what speaks first is heard', async () => {
    const { agent } = caller;
    expect(await agent.do('callGrpc', pods.at('api', 'grpc'), 'api:82', { 'x-detour': 'pr-42' })).toBe('pr-42');
    expect(await agent.do('callGrpc', pods.at('api', 'grpc'), 'api:82', {})).toBe('baseline');
    const socket = { 'x-detour': 'pr-42', host: 'api' };
    expect(await agent.do('webSocket', pods.at('api'), socket)).toEqual(['pr-42', 'there and back']);
    expect((await agent.do('exchange', pods.at('api', 'raw'), 'some bytes', 10)).heard).toBe('some bytes');
    expect((await agent.do('exchange', pods.at('api', 'mysql'), '', GREETING.length)).heard).toBe(GREETING);
  });

  test('are routed from outside by their inbound side, and their probes reach the app', async () => {
    const { ipv6 } = api.namespace.addresses;
    using client = new HttpClient(PORTS.http.pod, 1, ipv6);
    const reply = await client.ask(keyed);
    expect([reply.status, reply.headers['x-detour-served-by']]).toEqual([200, 'pr-42']);
    expect((await client.ask({ path: '/healthz', headers: { 'user-agent': 'kube-probe/1.34' } })).status).toBe(200);
    await expect(exchange(7777, 'x', 1, ipv6)).rejects.toThrow('ECONNREFUSED');
    // Whoever connects to the sidecar itself is let go.
    await expect(exchange(CAPTURED_INBOUND_PORT, 'GET / HTTP/1.1\r\n\r\n', 1, ipv6)).rejects.toThrow();
    expect(await metricsOf(api)).toMatch(/^envoy_control_plane_connected_state\{\} 1$/m);
  });

  test('call on from hop to hop, and themselves by their own Service', async () => {
    const onward = { host: 'frontend', path: '/api/', headers: { baggage: 'detour=pr-42' } };
    const went = async (): Promise<string> => (await caller.agent.do('ask', pods.at('frontend'), onward)).path;
    expect(await went()).toBe('baseline > pr-42');
    expect(await api.agent.do('ask', pods.at('api'), { host: 'api' })).toMatchObject({ path: 'baseline' });
    expect(await api.agent.do('ask', pods.at('api'), keyed)).toMatchObject({ path: 'pr-42' });
    // Its containers reach each other as before.
    for (const address of ['::1', '127.0.0.1', api.namespace.addresses.ipv6])
      expect(await api.agent.do('ask', { address, port: PORTS.http.pod }, keyed)).toMatchObject({ path: 'baseline' });
  });

  test('are captured by rules of IPv6, the same when they are set again, and gone when they are undone', async () => {
    await using pod = await pods.pod({ service: 'identity', copy: 'baseline', sidecar: false });
    const { path, addresses } = pod.namespace;
    const rules = async (): Promise<string> => {
      const { stdout } = await run('nsenter', [`--net=${path}`, 'ip6tables-nft-save', '-t', 'nat']);
      return stdout
        .split('\n')
        .filter((line) => line.startsWith('-A') || line.startsWith(':DETOUR'))
        .join('\n');
    };
    const capture = ['capture', '--pod-ips', addresses.ipv6];
    expect(await detourIn(path, capture)).toContain('ip6tables-nft: captured\n');
    const once = await rules();
    expect(once).toContain('DETOUR_INBOUND');
    await detourIn(path, capture);
    expect(await rules()).toBe(once);
    await detourIn(path, ['capture', '--undo']);
    expect(await rules()).toBe('');
  });
});
