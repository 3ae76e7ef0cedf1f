import { expect } from 'vitest';
import type { Client } from '../../support/xds/client.ts';
import type { Harness } from '../../support/xds/harness.ts';
import { DELTA, type Scenario, SOTW } from './scenario.ts';

/** A client of clusters `a` and `b`, listener `l` and route `r` to `a` and `b`, all accepted. */
async function settled({ world, publish, connect }: Harness): Promise<Client> {
  world.set('cluster', 'a', '1', { endpointsName: 'ea' }).set('cluster', 'b', '1');
  world
    .set('endpoints', 'ea', '1')
    .set('listener', 'l', '1')
    .set('route', 'r', '1', { clusters: ['a', 'b'] });
  publish();
  const client = await connect();
  client.subscribe('cluster');
  await client.take('cluster', { a: '1', b: '1' });
  client.subscribe('endpoints', ['ea']);
  await client.take('endpoints', { ea: '1' });
  client.subscribe('listener');
  await client.take('listener', { l: '1' });
  client.subscribe('route', ['r']);
  await client.take('route', { r: '1' });
  return client;
}

/** Cluster `a` gives way to `c`. */
function rename({ world, publish }: Harness): void {
  world
    .remove('cluster', 'a')
    .remove('endpoints', 'ea')
    .set('cluster', 'c', '1')
    .set('route', 'r', '2', { clusters: ['b', 'c'] });
  publish();
}

export const ORDERING: readonly Scenario[] = [
  {
    name: 'O1: what is pointed at is sent before what points at it: clusters, endpoints, listeners, routes',
    aggregated: true,
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world.set('route', 'r', '2').set('listener', 'l', '2').set('endpoints', 'ea', '2').set('cluster', 'b', '2');
      publish();
      const types: string[] = [];
      for (let index = 0; index < 4; index += 1) types.push((await client.next()).typeUrl.replace(/.*v3\./, ''));
      expect(types).toEqual(['Cluster', 'ClusterLoadAssignment', 'Listener', 'RouteConfiguration']);
    },
  },
  {
    name: 'O2 O3: a cluster goes when the routes that no longer name it are acknowledged, and its endpoints after that',
    aggregated: true,
    run: async (harness) => {
      const client = await settled(harness);
      rename(harness);
      const isSotw = client.protocol === 'sotw';
      await client.take('cluster', isSotw ? { a: '1', b: '1', c: '1' } : { c: '1' });
      const routes = await client.expect('route', { r: '2' });
      await client.silent();
      client.ack(routes);
      const clusters = await client.expect('cluster', isSotw ? { b: '1', c: '1' } : {}, ['a']);
      await client.silent();
      client.ack(clusters);
      if (!isSotw) await client.take('endpoints', {}, ['ea']);
      await client.silent();
    },
  },
  {
    name: 'O3: a cluster waits for listeners too, and while it waits it comes back without being sent',
    aggregated: true,
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world.remove('cluster', 'b').set('listener', 'l', '2');
      publish();
      const listeners = await client.expect('listener', { l: '2' });
      await client.silent();
      world.set('cluster', 'b', '1');
      publish();
      client.ack(listeners);
      await client.silent();
    },
  },
  {
    name: 'O3: a client that asks for no routes loses its clusters at once',
    run: async ({ world, publish, connect }) => {
      world.set('cluster', 'a', '1').set('cluster', 'b', '1');
      publish();
      const client = await connect();
      client.subscribe('cluster');
      await client.take('cluster', { a: '1', b: '1' });
      world.remove('cluster', 'a');
      publish();
      await client.take('cluster', client.protocol === 'sotw' ? { b: '1' } : {}, ['a']);
    },
  },
  {
    name: 'O5: as long as the routes are refused, the clusters of the accepted ones stay',
    aggregated: true,
    run: async (harness) => {
      const client = await settled(harness);
      rename(harness);
      const isSotw = client.protocol === 'sotw';
      await client.take('cluster', isSotw ? { a: '1', b: '1', c: '1' } : { c: '1' });
      client.nack(await client.expect('route', { r: '2' }));
      await client.silent();
      const { world, publish } = harness;
      world.set('cluster', 'd', '1');
      publish();
      await client.take('cluster', isSotw ? { a: '1', b: '1', c: '1', d: '1' } : { d: '1' });
      world.set('route', 'r', '3', { clusters: ['b', 'c'] });
      publish();
      await client.take('route', { r: '3' });
      await client.take('cluster', isSotw ? { b: '1', c: '1', d: '1' } : {}, ['a']);
    },
  },
  {
    name: 'O6: endpoints that leave are an update of endpoints, never of clusters',
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      for (const endpoints of ['2', '1', '2']) {
        world.set('endpoints', 'ea', endpoints);
        publish();
        await client.take('endpoints', { ea: endpoints });
      }
      world.remove('endpoints', 'ea');
      publish();
      await client.take('endpoints', { ea: '' });
      await client.silent();
    },
  },
  {
    name: 'O3 R6: a route that goes is said to be gone after the listeners are acknowledged',
    aggregated: true,
    protocols: DELTA,
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world.set('listener', 'l', '2').remove('route', 'r');
      publish();
      const listeners = await client.expect('listener', { l: '2' });
      await client.silent();
      // Who asks again meanwhile gets it as it was.
      client.subscribe('route', ['r']);
      await client.take('route', { r: '1' });
      client.ack(listeners);
      await client.take('route', {}, ['r']);
    },
  },
  {
    name: 'R1 O3: a name that was never there is said not to exist at once, also while listeners are refused and removals wait',
    aggregated: true,
    protocols: DELTA,
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world.set('listener', 'l', '2').remove('route', 'r');
      publish();
      client.nack(await client.expect('listener', { l: '2' }));
      await client.silent();
      client.subscribe('route', ['never']);
      await client.take('route', {}, ['never']);
      await client.silent();
      world.set('listener', 'l', '3');
      publish();
      await client.take('listener', { l: '3' });
      await client.take('route', {}, ['r']);
    },
  },
  {
    name: 'O3 C2: a client that comes back loses its clusters after its routes are acknowledged, whatever it asks for first',
    aggregated: true,
    protocols: DELTA,
    needsClock: true,
    run: async (harness) => {
      const { world, publish, connect, restart, advance } = harness;
      world
        .set('cluster', 'a', '1')
        .set('cluster', 'b', '1')
        .set('route', 'r', '1', { clusters: ['a'] });
      publish();
      const before = await connect();
      before.subscribe('cluster');
      const clusters = await before.take('cluster', { a: '1', b: '1' });
      before.subscribe('route', ['r']);
      const routes = await before.take('route', { r: '1' });
      world.remove('cluster', 'a').set('route', 'r', '2', { clusters: ['b'] });
      await restart();
      const client = await connect();
      client.subscribe('cluster', [], { initial: clusters.versions });
      await client.take('cluster', {});
      await client.silent();
      client.subscribe('route', ['r'], { initial: routes.versions });
      await client.take('route', { r: '2' });
      // It never asks for listeners: after a while that is known.
      advance(15_000);
      await client.take('cluster', {}, ['a']);
    },
  },
  {
    name: 'O3 C2: a client that comes back loses its clusters as soon as it has taken what its view can hold, and waits for no other type',
    aggregated: true,
    protocols: DELTA,
    run: async (harness) => {
      const { world, publish, connect, restart } = harness;
      world.set('cluster', 'a', '1').set('cluster', 'b', '1').set('listener', 'l', '1');
      world.set('route', 'r', '1', { clusters: ['a'] });
      publish();
      const before = await connect();
      before.subscribe('cluster');
      const clusters = await before.take('cluster', { a: '1', b: '1' });
      before.subscribe('listener');
      const listeners = await before.take('listener', { l: '1' });
      before.subscribe('route', ['r']);
      const routes = await before.take('route', { r: '1' });
      world.remove('cluster', 'a').set('route', 'r', '2', { clusters: ['b'] });
      await restart();
      const client = await connect();
      client.subscribe('cluster', [], { initial: clusters.versions });
      await client.take('cluster', {});
      client.subscribe('listener', [], { initial: listeners.versions });
      await client.take('listener', {});
      await client.silent();
      client.subscribe('route', ['r'], { initial: routes.versions });
      await client.take('route', { r: '2' });
      // Scoped routes are for gateways: this one never asks for them.
      await client.take('cluster', {}, ['a']);
      await client.silent();
    },
  },
  {
    name: 'O1 M8: a client that comes back while a cluster warms gets its endpoints at once, and routes to it when it asks for clusters',
    aggregated: true,
    protocols: DELTA,
    run: async (harness) => {
      const { world, publish, connect, restart } = harness;
      world
        .set('cluster', 'a', '1')
        .set('endpoints', 'a', '1')
        .set('route', 'r', '1', { clusters: ['a'] });
      publish();
      const before = await connect();
      before.subscribe('cluster');
      const known = await before.take('cluster', { a: '1' });
      before.subscribe('endpoints', ['a']);
      const endpoints = await before.take('endpoints', { a: '1' });
      before.subscribe('route', ['r']);
      const routes = await before.take('route', { r: '1' });
      world
        .set('cluster', 'b', '1')
        .set('endpoints', 'b', '1')
        .set('route', 'r', '2', { clusters: ['b'] });
      publish();
      const clusters = await before.take('cluster', { b: '1' });
      await restart();
      const client = await connect();
      client.subscribe('endpoints', ['a', 'b'], { initial: endpoints.versions });
      await client.take('endpoints', { a: '1', b: '1' });
      client.subscribe('route', ['r'], { initial: routes.versions });
      await client.silent();
      client.subscribe('cluster', [], { initial: { ...known.versions, ...clusters.versions } });
      await client.take('cluster', {});
      await client.take('route', { r: '2' });
    },
  },
  {
    name: 'M8 M9: a client that comes back with routes, and says nothing of clusters, gets no routes to others before it does, for a while',
    aggregated: true,
    protocols: SOTW,
    needsClock: true,
    run: async (harness) => {
      const { world, publish, connect, restart, advance } = harness;
      world.set('cluster', 'a', '1').set('endpoints', 'a', '1');
      world.set('route', 'r', '1', { clusters: ['a'] });
      publish();
      const before = await connect();
      before.subscribe('cluster');
      const { version } = await before.take('cluster', { a: '1' });
      before.subscribe('route', ['r']);
      const routes = await before.take('route', { r: '1' });
      world.set('cluster', 'b', '1').set('route', 'r', '2', { clusters: ['b'] });
      await restart();
      const client = await connect();
      client.subscribe('endpoints', ['a']);
      await client.take('endpoints', { a: '1' });
      client.subscribe('route', ['r'], { version: routes.version });
      await client.silent();
      client.subscribe('cluster', [], { version });
      await client.take('cluster', { a: '1', b: '1' });
      await client.take('route', { r: '2' });
      // Others ask for clusters when they have routes, or never.
      const fresh = await connect();
      fresh.subscribe('listener', [], { version: 'of before' });
      await fresh.take('listener', {});
      fresh.subscribe('route', ['r']);
      await fresh.take('route', { r: '2' });
      const late = await connect();
      late.subscribe('route', ['r'], { version: routes.version });
      await late.silent();
      advance(15_000);
      await late.take('route', { r: '2' });
    },
  },
];
