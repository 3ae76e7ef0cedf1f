/** Services of every shape: IPv6 and dual-stack, ExternalName, two on one port of a pod, and previews that are Services. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { answerOf, ask, pathOf, servedBy } from '../support/world/client.ts';
import type { KubernetesObject } from '../support/world/manifests.ts';
import { detour, endpointSlice, service } from '../support/world/objects.ts';
import { createWorld, NAMESPACE, type PodIdentity, type Proxy, type World } from '../support/world/world.ts';

describe('Services of every shape', () => {
  let world: World;
  let gateway: Proxy;
  let caller: Proxy;
  beforeAll(async () => {
    world = await createWorld();
    gateway = await world.gateway();
    caller = await world.sidecar({ namespace: NAMESPACE, name: 'caller-0' }, undefined);
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function pod(name: string, copy: string, sidecar = false): Promise<PodIdentity> {
    return await world.pod({ service: name, copy, pod: `${name}-${copy}`, sidecar });
  }

  test('a preview outside the cluster is a Service with the label, and EndpointSlices of its own', async () => {
    const baseline = await pod('stock', 'baseline', true);
    await world.baseline({ name: 'stock', annotations: detour({ host: 'stock.example.com' }) }, [baseline]);
    const laptop = await world.app({ service: 'stock', copy: 'laptop' });
    const annotations = detour({ intercept: 'stock', match: 'x-user=alice' });
    const labels = { 'detour.dev/preview': 'laptop' };
    const outside = { namespace: NAMESPACE, service: 'stock-laptop', pod: 'nowhere', port: laptop.port };
    await world.manifests.put(
      service({ namespace: NAMESPACE, name: 'stock-laptop', labels, annotations }),
      endpointSlice(outside),
    );

    const keyed = { host: 'stock.example.com', headers: { 'x-detour': 'laptop' } };
    const report = await world.live('the laptop', ({ key }) => key === 'laptop');
    expect(report.preview).toEqual({ namespace: NAMESPACE, kind: 'Service', name: 'stock-laptop' });
    for (const [port, what] of [
      [gateway.port, keyed],
      [gateway.port, { host: 'laptop--stock.example.com' }],
      [gateway.port, { host: 'stock.example.com', headers: { 'x-user': 'alice' } }],
      [caller.outbound, { ...keyed, host: 'stock' }],
      [baseline.port, { ...keyed, host: 'stock' }],
    ] as const) {
      const reply = await ask(port, what);
      expect([what, pathOf(reply), servedBy(reply)]).toEqual([what, 'laptop', 'laptop']);
    }
    expect(pathOf(await ask(gateway.port, { host: 'stock.example.com' }))).toBe('baseline');

    // The lid is shut: nobody told the control plane; then its slice says so; then it is taken away.
    await laptop.die();
    expect(servedBy(await ask(gateway.port, keyed))).toBe('baseline; reason=preview-unavailable');
    await world.manifests.put(endpointSlice({ ...outside, ready: false }));
    await until('the problem', async () => (await world.problems()).some(({ code }) => code === 'NoReadyPods'));
    expect(servedBy(await ask(gateway.port, keyed))).toBe('baseline; reason=preview-unavailable');
    await world.manifests.remove('Service', NAMESPACE, 'stock-laptop');
    await until('the intercept to be gone', async () => servedBy(await ask(gateway.port, keyed)) === 'baseline');
    expect((await ask(gateway.port, { host: 'laptop--stock.example.com' })).status).toBe(404);
  });

  test('a dual-stack pod is one endpoint, by IPv4; one of IPv6 alone is one too', async () => {
    const app = await pod('two', 'baseline');
    const six = (of: PodIdentity, address: string): KubernetesObject => ({
      ...endpointSlice({ namespace: NAMESPACE, service: of.service, pod: of.name, port: of.port }),
      metadata: { namespace: NAMESPACE, name: `${of.name}-six`, labels: { 'kubernetes.io/service-name': of.service } },
      addressType: 'IPv6',
      endpoints: [{ addresses: [address], conditions: { ready: true }, targetRef: { kind: 'Pod', name: of.name } }],
    });
    await world.baseline({ name: 'two', annotations: detour({ host: 'two.example.com' }) }, [app]);
    // An address that nobody answers at: whoever tries it fails.
    await world.manifests.put(six(app, '100::1'));
    await world.read();
    await until('the host', async () => (await ask(gateway.port, { host: 'two.example.com' })).status === 200);
    const replies = await Promise.all(Array.from({ length: 10 }, () => ask(gateway.port, { host: 'two.example.com' })));
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));

    const only = await pod('six', 'baseline');
    await world.manifests.put(service({ namespace: NAMESPACE, name: 'six', annotations: detour({ host: 'six.example.com' }) }));
    await world.manifests.put(six(only, 'fd00::6'));
    // Whether this machine can connect there is another matter.
    const address = `six.shop:80::[fd00::6]:${only.port}::`;
    await until('the address', async () => (await gateway.envoy.admin('/clusters')).includes(address));
    expect((await gateway.envoy.admin('/clusters')).includes('[100::1]')).toBe(false);
  });

  test('two Services on one port of a pod: the name tells which, and each has its own previews', async () => {
    const both = await pod('left', 'baseline', true);
    const copy = await pod('right', 'right-1');
    await world.baseline({ name: 'left', annotations: detour({ host: 'left.example.com' }) }, [both]);
    await world.baseline({ name: 'right', annotations: detour({ host: 'right.example.com' }) }, [both]);
    await world.preview({ key: 'right-1', pods: [copy] });
    const headers = { 'x-detour': 'right-1' };
    await world.live('the preview', ({ key }) => key === 'right-1');
    for (const [port, host, expected] of [
      [both.port, 'right', 'right-1'],
      [both.port, 'left', 'baseline'],
      [caller.outbound, 'right', 'right-1'],
      [caller.outbound, 'left', 'baseline'],
      [gateway.port, 'right.example.com', 'right-1'],
      [gateway.port, 'left.example.com', 'baseline'],
    ] as const)
      expect([host, pathOf(await ask(port, { host, headers }))]).toEqual([host, expected]);
  });

  test('by every name of a Service, and by its ClusterIP', async () => {
    await world.baseline({ name: 'named', clusterIP: '10.96.0.77' }, [await pod('named', 'baseline')]);
    await world.preview({ key: 'named-1', pods: [await pod('named', 'named-1')] });
    await world.live('the preview', ({ key }) => key === 'named-1');
    const full = 'named.shop.svc.cluster.local';
    for (const host of ['named', 'NAMED:80', 'named.shop', full, `${full}.`, '10.96.0.77', '10.96.0.77:80']) {
      const reply = await ask(caller.outbound, { host, headers: { 'x-detour': 'named-1' } });
      expect([host, pathOf(reply), answerOf(reply).host]).toEqual([host, 'named-1', host]);
    }
  });

  test('an ExternalName Service cannot be intercepted, and who names it is told', async () => {
    const external = service({ namespace: NAMESPACE, name: 'saas', annotations: detour({ host: 'saas.example.com' }) });
    await world.manifests.put({ ...external, spec: { type: 'ExternalName', externalName: 'saas.example.org' } });
    await world.preview({ key: 'saas-1', pods: [await pod('saas', 'saas-1')] });
    const told = await until('the problems', async () => {
      const found = (await world.problems()).filter(({ code }) => code === 'ExternalName');
      return found.length === 2 ? found.map(({ subject }) => subject.kind).toSorted() : undefined;
    });
    expect(told).toEqual(['Pod', 'Service']);
    expect((await ask(gateway.port, { host: 'saas.example.com' })).status).toBe(404);
    const reply = await ask(caller.outbound, { host: 'saas', headers: { 'x-detour': 'saas-1' } });
    expect([reply.status, reply.text]).toEqual([404, expect.stringContaining('no Service with an HTTP port is known here')]);
  });
});
