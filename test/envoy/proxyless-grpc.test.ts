/** gRPC clients that route for themselves: `xds:///api.shop:8080`, with the xDS plugin of grpc-js and no Envoy at all. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { type GrpcApp, startGrpcApp } from '../support/world/grpc.ts';
import { ProxylessClient } from '../support/world/proxyless.ts';
import { createWorld, NAMESPACE, type PodIdentity, type World } from '../support/world/world.ts';

const API = 'xds:///api.shop:8080';

type Metadata = Parameters<ProxylessClient['call']>[1];

describe('a proxyless gRPC client', () => {
  let world: World;
  let client: ProxylessClient;
  let preview: PodIdentity;
  const apps = new Map<string, GrpcApp>();

  beforeAll(async () => {
    world = await createWorld();
    client = world.use(new ProxylessClient(world.plane.xdsPort));
    await world.baseline({ name: 'api', appProtocol: 'grpc', port: 8080 }, [await start('baseline', 'api-1')]);
    preview = await start('pr-1', 'api-pr-1');
    await world.preview({ key: 'pr-1', pods: [preview] });
    await world.preview({ key: 'pr-12', pods: [await start('pr-12', 'api-pr-12')] });
    await reaches('baseline');
    await reaches('pr-1', { 'x-detour': 'pr-1' });
    await reaches('pr-12', { 'x-detour': 'pr-12' });
  });
  afterAll(() => world[Symbol.asyncDispose]());

  async function start(copy: string, pod: string): Promise<PodIdentity> {
    const app = world.use(await startGrpcApp(copy));
    apps.set(pod, app);
    return { namespace: NAMESPACE, name: pod, service: 'api', port: app.port };
  }

  function portOf(pod: string): number {
    return apps.get(pod)?.port ?? 0;
  }

  async function someCalls(metadata: Metadata): Promise<Set<string>> {
    return new Set(await Promise.all(Array.from({ length: 20 }, () => call(metadata))));
  }

  function call(metadata: Metadata = {}): Promise<string> {
    return client.call(API, metadata);
  }

  async function reaches(copy: string, metadata: Metadata = {}): Promise<void> {
    await until(`${JSON.stringify(metadata)} to reach ${copy}`, async () => {
      const answered = await call(metadata);
      if (answered !== copy) throw new Error(`reached ${answered}`);
      return true;
    });
  }

  /** Calls without a pause while `change` runs. @returns all copies that answered; a failed call fails it. */
  async function during(metadata: Metadata, change: () => Promise<unknown>): Promise<ReadonlySet<string>> {
    const seen = new Set<string>();
    let over = false;
    const calls = (async () => {
      while (!over) seen.add(await call(metadata));
    })();
    await Promise.race([change(), calls]);
    over = true;
    await calls;
    return seen;
  }

  test.each<[Metadata, string]>([
    [{}, 'baseline'],
    [{ 'x-detour': 'pr-1' }, 'pr-1'],
    [{ 'x-detour': 'pr-12' }, 'pr-12'],
    [{ 'x-detour': 'pr-' }, 'baseline'],
    [{ 'x-detour': 'pr-123' }, 'baseline'],
    [{ baggage: 'detour=pr-1' }, 'pr-1'],
    [{ baggage: 'detour=pr-12' }, 'pr-12'],
    [{ baggage: 'detour=pr-123' }, 'baseline'],
    [{ baggage: 'xdetour=pr-1' }, 'baseline'],
    [{ baggage: 'a=1 , detour = pr-1;ttl=5 , b=2' }, 'pr-1'],
    [{ baggage: ['a=1', 'detour=pr-12'] }, 'pr-12'],
    [{ tracestate: 'vendor=x,detour=pr-1' }, 'pr-1'],
    [{ tracestate: 'detour=pr-12,vendor=x' }, 'pr-12'],
    [{ tracestate: 'vendor=detour=pr-1' }, 'baseline'],
    [{ 'x-detour': 'nobody', baggage: 'detour=pr-1' }, 'baseline'],
    [{ 'x-detour': 'pr-12', baggage: 'detour=pr-1' }, 'pr-12'],
    [{ baggage: 'detour=pr-12', tracestate: 'detour=pr-1' }, 'pr-12'],
  ])('%j reaches %s', async (metadata, copy) => expect(await call(metadata)).toBe(copy));

  test('rules reach the preview, with every operator, and nobody else does', async () => {
    const match = `
      x-user=alice
      x-team^=web-, x-beta
      x-tenant~="t1|t2", x-path*=cart
      x-team=core, !x-robot
      baggage[user]="a b", x-app$=shop
      baggage[group]^=qa, !baggage[robot]
      baggage[group]~="dev.*", x-app$=shop`;
    await world.preview({ key: 'pr-1', pods: [preview], annotations: { match } });
    await reaches('pr-1', { 'x-user': 'alice' });
    const cases: readonly [Metadata, string][] = [
      [{ 'x-user': 'alice2' }, 'baseline'],
      [{ 'x-team': 'web-1', 'x-beta': 'on' }, 'pr-1'],
      [{ 'x-team': 'web-1' }, 'baseline'],
      [{ 'x-team': 'a-web-1', 'x-beta': 'on' }, 'baseline'],
      [{ 'x-tenant': 't1', 'x-path': '/cart/1' }, 'pr-1'],
      [{ 'x-tenant': 't2', 'x-path': '/cart/1' }, 'pr-1'],
      [{ 'x-tenant': 't11', 'x-path': '/cart/1' }, 'baseline'],
      [{ 'x-tenant': 'at2', 'x-path': '/cart/1' }, 'baseline'],
      [{ 'x-tenant': 't1', 'x-path': '/list' }, 'baseline'],
      [{ 'x-team': 'core' }, 'pr-1'],
      [{ 'x-team': 'core', 'x-robot': '1' }, 'baseline'],
      [{ baggage: 'x=1,user=a%20b;p=q', 'x-app': 'my-shop' }, 'pr-1'],
      [{ baggage: 'user=a%20bc', 'x-app': 'my-shop' }, 'baseline'],
      [{ baggage: 'group=qa-1' }, 'pr-1'],
      [{ baggage: 'group=qa-1,robot=yes' }, 'baseline'],
      // Left out, as the documentation says: a client cannot apply a regex to one member.
      [{ baggage: 'group=dev-1', 'x-app': 'my-shop' }, 'baseline'],
      [{ 'x-user': 'alice', 'x-detour': 'pr-12' }, 'pr-12'],
      [{ 'x-user': 'alice', baggage: 'detour=nobody' }, 'pr-1'],
    ];
    const answers = await Promise.all(cases.map(async ([metadata]) => [metadata, await call(metadata)]));
    expect(answers).toEqual(cases);
    await world.preview({ key: 'pr-1', pods: [preview] });
    await reaches('baseline', { 'x-user': 'alice' });
  });

  test('a share of the requests, and copies that a client does not make', async () => {
    await world.preview({ key: 'pr-1', pods: [preview], annotations: { percent: '50' } });
    const seen = new Set<string>();
    await until('both copies', async () => seen.add(await call({ 'x-detour': 'pr-1' })).size === 2);
    expect(seen).toEqual(new Set(['pr-1', 'baseline']));
    await world.preview({ key: 'pr-1', pods: [preview], annotations: { mode: 'mirror' } });
    await until('the baseline to answer', async () => !(await someCalls({ 'x-detour': 'pr-1' })).has('pr-1'));
    await world.preview({ key: 'pr-1', pods: [preview] });
    await reaches('pr-1', { 'x-detour': 'pr-1' });
  });

  test('the endpoints of the baseline are followed, and no call fails', async () => {
    const other = await start('baseline-2', 'api-2');
    const first = { namespace: NAMESPACE, name: 'api-1', service: 'api', port: portOf('api-1') };
    const seen = await during({}, async () => {
      await world.endpoint(other);
      await reaches('baseline-2');
      await world.noEndpoint(first);
      await until('the first pod to be left', async () => !(await someCalls({})).has('baseline'));
      await world.endpoint(first);
      await reaches('baseline');
      await world.noEndpoint(other);
      await until('the second pod to be left', async () => !(await someCalls({})).has('baseline-2'));
    });
    expect(seen).toEqual(new Set(['baseline', 'baseline-2']));
  });

  test('previews come and go under calls, and none fails', async () => {
    const other = await start('pr-3', 'api-pr-3');
    const withKey = during({ 'x-detour': 'pr-3' }, async () => {
      for (let round = 0; round < 3; round++) {
        await world.preview({ key: 'pr-3', pods: [other] });
        await reaches('pr-3', { 'x-detour': 'pr-3' });
        await world.preview({ key: 'pr-3', pods: [other], annotations: { expires: '2026-01-01T00:00:00Z' } });
        await reaches('baseline', { 'x-detour': 'pr-3' });
      }
    });
    const without = during({}, () => withKey);
    expect(await withKey).toEqual(new Set(['baseline', 'pr-3']));
    expect(await without).toEqual(new Set(['baseline']));
    await world.noPreview([other]);
  });

  test('a preview that is dead: the baseline answers, without the control plane; with `fail`, nobody', async () => {
    const [dead, failing] = [await start('pr-4', 'api-pr-4'), await start('pr-5', 'api-pr-5')];
    await world.preview({ key: 'pr-4', pods: [dead] });
    await world.preview({ key: 'pr-5', pods: [failing], annotations: { 'when-unavailable': 'fail' } });
    await reaches('pr-4', { 'x-detour': 'pr-4' });
    await reaches('pr-5', { 'x-detour': 'pr-5' });
    await apps.get('api-pr-4')?.[Symbol.asyncDispose]();
    await apps.get('api-pr-5')?.[Symbol.asyncDispose]();
    await reaches('baseline', { 'x-detour': 'pr-4' });
    await expect(call({ 'x-detour': 'pr-5' })).rejects.toThrow('UNAVAILABLE');
    // One that has no pod yet is as one that is dead.
    await world.preview({ key: 'pr-6', pods: [await start('pr-6', 'api-pr-6')], ready: false });
    expect(await someCalls({ 'x-detour': 'pr-6' })).toEqual(new Set(['baseline']));
  });

  test('a call for a Service that is not there yet waits, and finds it when it comes', async () => {
    const called = client.call('xds:///later.shop:9000');
    // An answer for another Service, with this one still missing, must not end the wait.
    await world.preview({ key: 'pr-8', pods: [await start('pr-8', 'api-pr-8')] });
    await reaches('pr-8', { 'x-detour': 'pr-8' });
    const pod = { ...(await start('later', 'later-1')), service: 'later' };
    await world.baseline({ name: 'later', appProtocol: 'grpc', port: 9000 }, [pod]);
    expect(await called).toBe('later');
  });

  test('calls go on while the control plane is down, and follow it when it is back', async () => {
    const seen = await during({ 'x-detour': 'pr-1' }, async () => {
      await world.plane.kill();
      expect(await call()).toBe('baseline');
      await world.preview({ key: 'pr-7', pods: [await start('pr-7', 'api-pr-7')] });
      await world.plane.start();
      await reaches('pr-7', { 'x-detour': 'pr-7' });
    });
    expect(seen).toEqual(new Set(['pr-1']));
  });

  test('nothing that it got was refused', async () => {
    const metrics = await world.plane.admin('/metrics');
    expect(metrics).toMatch(/^detour_xds_acks_total.* [1-9]/m);
    expect(metrics).not.toMatch(/^detour_xds_nacks_total.* [1-9]/m);
  });
});
