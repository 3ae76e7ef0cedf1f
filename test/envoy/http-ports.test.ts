/** Ports of every kind behind a sidecar: HTTP/1.1, HTTP/2 only, not HTTP at all, and those that do not say. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ask, H2cClient, HttpClient, pathOf, servedBy } from '../support/world/client.ts';
import { detour, service } from '../support/world/objects.ts';
import { exchange, startTcpApp } from '../support/world/tcp.ts';
import { createWorld, NAMESPACE, type Proxy, type World } from '../support/world/world.ts';

const PORT_NAME = 'whatever';
const BINARY = '\u0001\u0000\u00ff\r\n'.repeat(200);

describe('ports', () => {
  let world: World;
  let gateway: Proxy;
  beforeAll(async () => {
    world = await createWorld();
    gateway = await world.gateway();
  });
  afterAll(() => world[Symbol.asyncDispose]());

  const ready = (port: number) => until(`port ${port}`, () => exchange(port, 'ready?', 6).catch(() => undefined));

  test('an app that speaks only HTTP/2 is reached by HTTP/1.1 clients through the gateway, and by h2c', async () => {
    const app = await world.app({ service: 'modern', copy: 'baseline', protocol: 'h2c' });
    const preview = await world.app({ service: 'modern', copy: 'modern-1', protocol: 'h2c' });
    const sidecar = await world.sidecar({ namespace: NAMESPACE, name: 'modern-0' }, app.port);
    const pods = [{ namespace: NAMESPACE, service: 'modern', name: 'modern-pr', port: preview.port }];
    const annotations = detour({ host: 'modern.example.com' });
    await world.baseline({ name: 'modern', appProtocol: 'kubernetes.io/h2c', annotations }, [
      { namespace: NAMESPACE, service: 'modern', name: 'modern-0', port: sidecar.port },
    ]);
    await world.preview({ key: 'modern-1', pods });
    const keyed = { host: 'modern.example.com', headers: { 'x-detour': 'modern-1' } };
    await until('the preview to be live', async () => pathOf(await ask(gateway.port, keyed)) === 'modern-1');
    expect(pathOf(await ask(gateway.port, { host: 'modern.example.com' }))).toBe('baseline');
    using client = new H2cClient(gateway.port);
    expect(pathOf(await client.ask(keyed))).toBe('modern-1');
    expect(pathOf(await client.ask({ host: 'modern.example.com' }))).toBe('baseline');
    await preview.die();
    const reply = await ask(gateway.port, { ...keyed, method: 'POST', body: 'x'.repeat(100_000) });
    expect([reply.status, servedBy(reply)]).toEqual([200, 'baseline; reason=preview-unavailable']);
  });

  test('a connection from before the sidecar knows its pod goes on as it was, past all routes; the next ones are routed', async () => {
    const app = await world.app({ service: 'early', copy: 'baseline' });
    const preview = await world.app({ service: 'early', copy: 'early-1' });
    const sidecar = await world.sidecar({ namespace: NAMESPACE, name: 'early-0' }, app.port);
    const keyed = { host: 'early', headers: { 'x-detour': 'early-1' } };
    using early = new HttpClient(sidecar.port);
    expect(pathOf(await early.ask(keyed))).toBe('baseline');
    const pod = { namespace: NAMESPACE, service: 'early', name: 'early-0', port: sidecar.port };
    await world.baseline({ name: 'early' }, [pod]);
    await world.preview({ key: 'early-1', pods: [{ ...pod, name: 'early-pr', port: preview.port }] });
    await until('the preview to be live', async () => pathOf(await ask(sidecar.port, keyed)) === 'early-1');
    expect(pathOf(await early.ask(keyed))).toBe('baseline');
    expect(early.connections).toBe(1);
  });

  test('a port that is not HTTP passes bytes as they are, whoever speaks first', async () => {
    for (const greeting of ['', 'SSH-2.0-test\r\n']) {
      const name = greeting === '' ? 'queue' : 'shell';
      const app = world.use(await startTcpApp(greeting));
      const sidecar = await world.sidecar({ namespace: NAMESPACE, name: `${name}-0` }, app.port);
      const pod = { namespace: NAMESPACE, service: name, name: `${name}-0`, port: sidecar.port };
      await world.baseline({ name, appProtocol: 'tcp' }, [pod]);
      await world.read();
      await ready(sidecar.port);
      expect(await exchange(sidecar.port, BINARY, greeting.length + BINARY.length)).toBe(greeting + BINARY);
      // What looks like HTTP is none of our business either.
      const request = 'GET / HTTP/1.1\r\nhost: x\r\nx-detour: pr-1\r\n\r\n';
      expect(await exchange(sidecar.port, request, greeting.length + request.length)).toBe(greeting + request);
    }
  });

  test('a port that does not say: connections that look like HTTP are routed, the others pass', async () => {
    const app = await world.app({ service: 'mixed', copy: 'baseline' });
    const preview = await world.app({ service: 'mixed', copy: 'mixed-1' });
    const sidecar = await world.sidecar({ namespace: NAMESPACE, name: 'mixed-0' }, app.port);
    const pod = { namespace: NAMESPACE, service: 'mixed', name: 'mixed-0', port: sidecar.port };
    await world.baseline({ name: 'mixed', appProtocol: '', portName: PORT_NAME }, [pod]);
    await world.preview({ key: 'mixed-1', pods: [{ ...pod, name: 'mixed-pr', port: preview.port }] });
    const keyed = { host: 'mixed', headers: { 'x-detour': 'mixed-1' } };
    await until('the preview to be live', async () => pathOf(await ask(sidecar.port, keyed)) === 'mixed-1');
    expect(pathOf(await ask(sidecar.port, { host: 'mixed' }))).toBe('baseline');

    const raw = world.use(await startTcpApp('220 ready\r\n'));
    const rawSidecar = await world.sidecar({ namespace: NAMESPACE, name: 'raw-0' }, raw.port);
    const rawPod = { namespace: NAMESPACE, service: 'raw', name: 'raw-0', port: rawSidecar.port };
    await world.baseline({ name: 'raw', appProtocol: '', portName: PORT_NAME }, [rawPod]);
    await until('the port to be known', async () =>
      (await rawSidecar.envoy.admin('/config_dump?resource=dynamic_listeners')).includes('http_inspector'),
    );
    await ready(rawSidecar.port);
    expect(await exchange(rawSidecar.port, BINARY, 11 + BINARY.length)).toBe(`220 ready\r\n${BINARY}`);
    // The server speaks first: nothing comes to look at.
    expect(await exchange(rawSidecar.port, '', 11)).toBe('220 ready\r\n');
  });

  test('a preview of a port that is not HTTP has a problem, and the port goes on as it was', async () => {
    const app = world.use(await startTcpApp());
    const sidecar = await world.sidecar({ namespace: NAMESPACE, name: 'db-0' }, app.port);
    const pod = { namespace: NAMESPACE, service: 'db', name: 'db-0', port: sidecar.port };
    await world.manifests.put(service({ namespace: NAMESPACE, name: 'db', appProtocol: '', portName: 'postgres' }));
    await world.endpoint(pod, 'db', { portName: 'postgres' });
    await world.preview({ key: 'db-1', pods: [{ ...pod, name: 'db-pr' }] });
    await world.read();
    await until('the problem', async () => (await world.problems()).some(({ code }) => code === 'PortNotHttp'));
    await ready(sidecar.port);
    expect(await exchange(sidecar.port, BINARY, BINARY.length)).toBe(BINARY);
  });
});
