/** Receipts, scopes and what goes wrong before an Envoy can say so: a server with intercepts, and clients of sidecars. */

import { credentials, Client as GrpcClient } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import type { InterceptModel, PodModel } from '../../src/model/intercept.ts';
import type { InterceptId, ObjectKey } from '../../src/model/names.ts';
import type { Scope } from '../../src/model/proxy.ts';
import type { CreateScopeTranslation } from '../../src/translate/translate.ts';
import { type XdsLimits, XdsServer } from '../../src/xds/xds.ts';
import { until } from '../support/until.ts';
import { Cable } from '../support/xds/cable.ts';
import { Client } from '../support/xds/client.ts';
import { Differences, fakeResource, NO_CHANGE } from '../support/xds/fake-world.ts';
import { ADS, GrpcWire } from '../support/xds/harness.ts';
import { idOf, modelOf, routeTranslation, SERVICE } from '../support/xds/intercepts.ts';
import { SilentObserver } from '../support/xds/observer.ts';

class Plane implements AsyncDisposable {
  readonly observer = new SilentObserver();
  readonly server: XdsServer;
  readonly #clients: GrpcClient[] = [];
  #port = 0;

  constructor(createTranslation: CreateScopeTranslation = routeTranslation, limits: Partial<XdsLimits> = {}) {
    const settings = { carriers: DEFAULT_CARRIERS, lua: '' };
    this.server = new XdsServer({ settings, createTranslation, observer: this.observer, now: Date.now, limits });
  }

  publish(model: InterceptModel, pods: readonly ObjectKey[] = []): void {
    this.server.publish(model, { ...NO_CHANGE, services: new Set([SERVICE]), pods: new Set(pods) });
  }

  async listen(): Promise<number> {
    if (this.#port === 0) this.#port = (await this.server.listen({ host: '127.0.0.1', port: 0 })).port;
    return this.#port;
  }

  async sidecar(pod: string, method = `${ADS}/DeltaAggregatedResources`, port?: number): Promise<Client> {
    const client = new GrpcClient(`127.0.0.1:${port ?? (await this.listen())}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    this.#clients.push(client);
    const same = (bytes: Buffer): Buffer => bytes;
    const wire = new GrpcWire(client.makeBidiStreamRequest(method, same, same), 'delta');
    return new Client('delta', wire, { id: `sidecar~shop/${pod}` });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.stop(100);
  }
}

/** What an Envoy asks for when it comes. */
async function takeAll(client: Client, route: string): Promise<void> {
  client.subscribe('cluster');
  await client.take('cluster', { 'c-a': 'a' });
  client.subscribe('route', ['r']);
  await client.take('route', { r: route });
  await client.silent();
}

function withPods(model: InterceptModel, previews: Readonly<Record<string, readonly InterceptId[]>>): InterceptModel {
  const pods = Object.entries(previews).map(([name, ids]): [ObjectKey, PodModel] => [
    `shop/${name}`,
    { ports: [], previews: ids, inBaselineOf: [] },
  ]);
  return { ...model, pods: new Map(pods) };
}

describe('a receipt', () => {
  it('is complete when every Envoy that needs the intercept has acknowledged it, and says since when', async () => {
    await using plane = new Plane();
    plane.publish(modelOf({ a: 1 }));
    expect(plane.server.receipt(idOf('a'))).toEqual({ needed: 0, acked: 0, state: 'noProxy' });
    const [one, two] = [await plane.sidecar('x-1'), await plane.sidecar('x-2')];
    for (const client of [one, two]) {
      client.subscribe('cluster');
      await client.take('cluster', { 'c-a': 'a' });
      client.subscribe('route', ['r']);
      await client.take('route', { r: '[a=1]' });
      await client.silent();
    }
    const live = plane.server.receipt(idOf('a'));
    expect(live).toMatchObject({ needed: 2, acked: 2, state: 'live' });
    expect(plane.server.receipt(idOf('unknown')).state).toBe('noProxy');

    plane.publish(modelOf({ a: 2 }));
    const [first, second] = [await one.expect('route', { r: '[a=2]' }), await two.expect('route', { r: '[a=2]' })];
    expect(plane.server.receipt(idOf('a'))).toEqual({ needed: 2, acked: 0, state: 'pending' });
    one.ack(first);
    await one.silent();
    expect(plane.server.receipt(idOf('a'))).toEqual({ needed: 2, acked: 1, state: 'pending' });
    expect(plane.observer.convergence).toEqual([]);
    two.ack(second);
    await two.silent();
    const again = plane.server.receipt(idOf('a'));
    expect(again).toMatchObject({ needed: 2, acked: 2, state: 'live' });
    expect(again.liveSince).toBeGreaterThanOrEqual(live.liveSince ?? Infinity);
    expect(plane.observer.convergence).toHaveLength(1);
  });

  it('counts two Envoys with one node id as two, and says that they have the same', async () => {
    await using plane = new Plane();
    plane.publish(modelOf({ a: 1 }));
    const [one, two] = [await plane.sidecar('x-1'), await plane.sidecar('x-1')];
    for (const client of [one, two]) await takeAll(client, '[a=1]');
    expect(plane.server.receipt(idOf('a'))).toMatchObject({ needed: 2, acked: 2, state: 'live' });

    plane.publish(modelOf({ a: 2 }));
    const [first, second] = [await one.expect('route', { r: '[a=2]' }), await two.expect('route', { r: '[a=2]' })];
    two.ack(second);
    await two.silent();
    // Until the older one speaks it may as well be what is left of a connection that broke.
    expect(plane.server.proxies().map(({ warning }) => warning)).toEqual([undefined, undefined]);
    expect(plane.server.receipt(idOf('a'))).toEqual({ needed: 2, acked: 1, state: 'pending' });
    expect(Object.fromEntries(plane.server.holders(idOf('a')))).toEqual({ 'sidecar~shop/x-1': false });
    one.ack(first);
    await one.silent();
    expect(plane.server.receipt(idOf('a'))).toMatchObject({ needed: 2, acked: 2, state: 'live' });
    expect(plane.observer.duplicates).toEqual(['sidecar~shop/x-1']);
    const shown = plane.server.proxies();
    expect(shown.map(({ warning }) => warning)).toEqual(
      shown.map((_, index) => expect.stringContaining(`duplicate node id: ${shown[1 - index]?.peer} says`)),
    );

    await one.wire[Symbol.asyncDispose]();
    await until('one of them to be gone', () => plane.server.proxies().length === 1);
    expect(plane.server.proxies()[0]?.warning).toBeUndefined();
    expect(plane.server.receipt(idOf('a'))).toMatchObject({ needed: 1, acked: 1, state: 'live' });
  });

  it('counts an Envoy once that has a stream for each type', async () => {
    await using plane = new Plane();
    plane.publish(modelOf({ a: 1 }));
    const clusters = await plane.sidecar('x-1', '/envoy.service.cluster.v3.ClusterDiscoveryService/DeltaClusters');
    clusters.subscribe('cluster');
    await clusters.take('cluster', { 'c-a': 'a' });
    const routes = await plane.sidecar('x-1', '/envoy.service.route.v3.RouteDiscoveryService/DeltaRoutes');
    routes.subscribe('route', ['r']);
    const reply = await routes.expect('route', { r: '[a=1]' });
    expect(plane.server.receipt(idOf('a'))).toEqual({ needed: 1, acked: 0, state: 'pending' });
    routes.ack(reply);
    await until('the receipt', () => plane.server.receipt(idOf('a')).state === 'live');
    expect(plane.server.receipt(idOf('a'))).toMatchObject({ needed: 1, acked: 1 });
    expect(plane.observer.duplicates).toEqual([]);
  });

  it('F7: waits for a connection that broke without a word only until it has missed a sign of life', async () => {
    await using plane = new Plane(routeTranslation, { pingMs: 300, pingTimeoutMs: 200 });
    plane.publish(modelOf({ a: 1 }));
    await using cable = await Cable.to(await plane.listen());
    await takeAll(await plane.sidecar('x-1', undefined, cable.port), '[a=1]');
    cable.cut();
    const again = await plane.sidecar('x-1');
    await takeAll(again, '[a=1]');
    plane.publish(modelOf({ a: 2 }));
    await again.take('route', { r: '[a=2]' });
    await until('the receipt', () => plane.server.receipt(idOf('a')).state === 'live', 5_000);
    expect(plane.server.receipt(idOf('a'))).toMatchObject({ needed: 1, acked: 1 });
    expect(plane.observer.duplicates).toEqual([]);
  });

  it('says that the intercept was refused, and the others go live', async () => {
    await using plane = new Plane();
    plane.publish(modelOf({ a: 1 }));
    const client = await plane.sidecar('x-1');
    client.subscribe('route', ['r']);
    await client.take('route', { r: '[a=1]' });
    plane.publish(modelOf({ a: 1, b: 1 }));
    client.nack(await client.expect('route', { r: '[a=1,b=1]' }), 'b is wrong');
    await client.silent();
    expect(plane.server.receipt(idOf('b'))).toMatchObject({ state: 'rejected' });
    expect(plane.server.receipt(idOf('a'))).toMatchObject({ state: 'live', needed: 1, acked: 1 });
    expect(plane.server.rejections()).toMatchObject([{ intercept: idOf('b'), type: 'route', name: 'r', error: 'b is wrong' }]);
  });

  it('does not wait for an Envoy that has gone', async () => {
    await using plane = new Plane();
    plane.publish(modelOf({ a: 1 }));
    const [one, two] = [await plane.sidecar('x-1'), await plane.sidecar('x-2')];
    for (const client of [one, two]) {
      client.subscribe('route', ['r']);
      await client.take('route', { r: '[a=1]' });
    }
    plane.publish(modelOf({ a: 2 }));
    await one.take('route', { r: '[a=2]' });
    await two.expect('route', { r: '[a=2]' });
    await two.wire[Symbol.asyncDispose]();
    await until('the receipt', () => plane.server.receipt(idOf('a')).state === 'live');
    expect(plane.observer.convergence).toHaveLength(1);
  });
});

describe('a scope', () => {
  /** A view shows which previews its scope is of. */
  const scopes: Scope[] = [];
  const byScope: CreateScopeTranslation = (scope) => {
    scopes.push(scope);
    const previews = scope.kind === 'sidecar' ? scope.previews.join() : '';
    const resources = [
      fakeResource('route', 'own', `[${previews}]`),
      fakeResource('route', 'same', '1'),
      fakeResource('cluster', 'c', '1'),
    ];
    return new Differences(() => resources);
  };

  it('is shared by Envoys that see the same, and one whose pod changes is moved and told only what differs', async () => {
    scopes.length = 0;
    await using plane = new Plane(byScope);
    plane.publish(withPods(modelOf({ a: 1 }), {}));
    const [one, two] = [await plane.sidecar('x-1'), await plane.sidecar('x-2')];
    for (const client of [one, two]) {
      client.subscribe('cluster');
      await client.take('cluster', { c: '1' });
      client.subscribe('route', ['own', 'same']);
      await client.take('route', { own: '[]', same: '1' });
    }
    expect(scopes).toHaveLength(1);
    plane.publish(withPods(modelOf({ a: 1 }), { 'x-2': [idOf('a')] }), ['shop/x-2']);
    await two.take('route', { own: `[${idOf('a')}]` });
    await two.silent();
    await one.silent();
    expect(scopes).toHaveLength(2);
    const keys = plane.server.proxies().map(({ scope }) => scope);
    expect(new Set(keys).size).toBe(2);
    plane.publish(withPods(modelOf({ a: 1 }), {}), ['shop/x-2']);
    await two.take('route', { own: '[]' });
    expect(new Set(plane.server.proxies().map(({ scope }) => scope)).size).toBe(1);
  });

  it('is forgotten some time after its last Envoy has gone', async () => {
    scopes.length = 0;
    await using plane = new Plane(byScope, { idleViewMs: 0 });
    plane.publish(modelOf({ a: 1 }));
    const client = await plane.sidecar('x-1');
    client.subscribe('cluster');
    await client.take('cluster', { c: '1' });
    expect(plane.server.resources().get('cluster')).toBe(1);
    await client.wire[Symbol.asyncDispose]();
    await until('the view to be dropped', () => {
      plane.publish(modelOf({ a: 1 }));
      return plane.server.resources().get('cluster') === 0;
    });
  });
});

describe('a resource that cannot be encoded', () => {
  const spoiling: CreateScopeTranslation = () =>
    new Differences((model, excluded) => {
      const intercepts = [...model.services.values()]
        .flatMap((service) => service.intercepts)
        .filter(({ id }) => !excluded.has(id));
      const resource = fakeResource('route', 'r', intercepts.map(({ key }) => key).join(), {
        intercepts: intercepts.map(({ id }) => id),
      });
      return [
        intercepts.some(({ key }) => key === 'bad')
          ? { ...resource, message: { ...resource.message, no_such_field: 1 } }
          : resource,
      ];
    });

  it('leaves out the intercept that spoils it, before any Envoy sees it', async () => {
    await using plane = new Plane(spoiling);
    plane.publish(modelOf({ a: 1 }));
    const client = await plane.sidecar('x-1');
    client.subscribe('route', ['r']);
    await client.take('route', { r: 'a' });
    plane.publish(modelOf({ a: 1, b: 1, bad: 1 }));
    const contents: string[] = [];
    while (contents.at(-1) !== 'a,b') {
      const reply = await client.next();
      contents.push(reply.resources['r'] ?? '');
      client.ack(reply);
    }
    await client.silent();
    const rejections = plane.server.rejections();
    expect(rejections.map(({ intercept }) => intercept)).toEqual([idOf('bad')]);
    expect(rejections[0]?.error).toContain('no_such_field');
    expect(plane.observer.nacks).toEqual([]);
  });
});
