import { expect } from 'vitest';
import { DELTA, type Scenario, SOTW } from './scenario.ts';

export const RECONNECT: readonly Scenario[] = [
  {
    name: 'C1 C5 C6: after a restart an up-to-date client gets one empty answer for everything, and nothing for names',
    protocols: DELTA,
    run: async ({ world, publish, connect, restart }) => {
      world
        .set('cluster', 'c', '1', { endpointsName: 'e' })
        .set('endpoints', 'e', '1')
        .set('listener', 'l', '1')
        .set('route', 'r', '1');
      publish();
      const before = await connect();
      before.subscribe('cluster');
      const clusters = await before.take('cluster', { c: '1' });
      before.subscribe('endpoints', ['e']);
      const endpoints = await before.take('endpoints', { e: '1' });
      before.subscribe('listener');
      const listeners = await before.take('listener', { l: '1' });
      before.subscribe('route', ['r']);
      const routes = await before.take('route', { r: '1' });
      await restart();
      const client = await connect();
      client.subscribe('cluster', [], { initial: clusters.versions });
      await client.take('cluster', {});
      client.subscribe('endpoints', ['e'], { initial: endpoints.versions });
      client.subscribe('listener', [], { initial: listeners.versions });
      await client.take('listener', {});
      client.subscribe('route', ['r'], { initial: routes.versions });
      await client.silent();
      // C1: the map counts in the first request only.
      client.subscribe('route', ['r'], { initial: routes.versions });
      await client.take('route', { r: '1' });
    },
  },
  {
    name: 'C1: a client that comes back gets what it has not, and what is different',
    protocols: DELTA,
    run: async ({ world, publish, connect, restart }) => {
      world.set('listener', 'same', '1').set('listener', 'other', '1').set('route', 'r', '1').set('route', 's', '1');
      publish();
      const before = await connect();
      before.subscribe('listener');
      const listeners = await before.take('listener', { same: '1', other: '1' });
      before.subscribe('route', ['r', 's']);
      const routes = await before.take('route', { r: '1', s: '1' });
      world.set('listener', 'other', '2').set('listener', 'new', '1').set('route', 'r', '2').set('route', 'n', '1');
      await restart();
      const client = await connect();
      client.subscribe('listener', [], { initial: listeners.versions });
      await client.take('listener', { other: '2', new: '1' });
      client.subscribe('route', ['r', 's', 'n'], { initial: routes.versions });
      await client.take('route', { r: '2', n: '1' });
      await client.silent();
    },
  },
  {
    name: 'C2: what is gone by the time that a client comes back is said to be gone',
    protocols: DELTA,
    run: async ({ world, publish, connect, restart }) => {
      world.set('listener', 'a', '1').set('listener', 'b', '1');
      publish();
      const before = await connect();
      before.subscribe('listener');
      const { versions } = await before.take('listener', { a: '1', b: '1' });
      world.remove('listener', 'b');
      await restart();
      const client = await connect();
      client.subscribe('listener', [], { initial: versions });
      await client.take('listener', {}, ['b']);
      await client.silent();
    },
  },
  {
    name: 'C3: endpoints that a client has are sent again when their cluster was, and only then',
    aggregated: true,
    protocols: DELTA,
    run: async ({ world, publish, connect, restart }) => {
      world.set('cluster', 'a', '1', { endpointsName: 'ea' }).set('cluster', 'b', '1', { endpointsName: 'eb' });
      world.set('endpoints', 'ea', '1').set('endpoints', 'eb', '1');
      publish();
      const before = await connect();
      before.subscribe('cluster');
      const clusters = await before.take('cluster', { a: '1', b: '1' });
      before.subscribe('endpoints', ['ea', 'eb']);
      const endpoints = await before.take('endpoints', { ea: '1', eb: '1' });
      world.set('cluster', 'a', '2', { endpointsName: 'ea' });
      await restart();
      const client = await connect();
      client.subscribe('cluster', [], { initial: clusters.versions });
      const reply = await client.expect('cluster', { a: '2' });
      client.subscribe('endpoints', ['ea', 'eb'], { initial: endpoints.versions });
      await client.take('endpoints', { ea: '1' });
      client.ack(reply);
      await client.silent();
    },
  },
  {
    name: 'C3 M3: endpoints that a client has are all sent again when it says nothing of clusters: one may be warming',
    aggregated: true,
    protocols: DELTA,
    run: async ({ world, publish, connect, restart }) => {
      world.set('cluster', 'a', '1', { endpointsName: 'ea' }).set('cluster', 'b', '1', { endpointsName: 'eb' });
      world.set('endpoints', 'ea', '1').set('endpoints', 'eb', '1');
      publish();
      const before = await connect();
      before.subscribe('cluster');
      await before.take('cluster', { a: '1', b: '1' });
      before.subscribe('endpoints', ['ea', 'eb']);
      const endpoints = await before.take('endpoints', { ea: '1', eb: '1' });
      world.set('cluster', 'a', '2', { endpointsName: 'ea' });
      publish();
      // It warms, and the stream breaks before its endpoints come.
      const changed = await before.expect('cluster', { a: '2' });
      await restart();
      const client = await connect();
      client.subscribe('endpoints', ['ea', 'eb'], { initial: endpoints.versions });
      await client.take('endpoints', { ea: '1', eb: '1' });
      client.subscribe('cluster', [], { initial: { ...changed.versions, b: 'old' } });
      const clusters = await client.expect('cluster', { b: '1' });
      await client.take('endpoints', { eb: '1' });
      client.ack(clusters);
      await client.silent();
    },
  },
  {
    name: 'C4: names that a client lists without asking for them, or that never were, are put up with',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      world.set('route', 'r', '1').set('route', 'given-up', '2');
      publish();
      const client = await connect();
      client.subscribe('route', ['r', 'phantom'], { initial: { 'given-up': 'old', other: 'x' } });
      await client.take('route', { r: '1' }, ['phantom']);
      await client.silent();
    },
  },
  {
    name: 'C5: a version is a hash of the content: the same after a restart, and whatever the order of changes',
    run: async ({ world, publish, connect, restart }) => {
      world.set('cluster', 'a', '1').set('cluster', 'b', '1');
      publish();
      const before = await connect();
      before.subscribe('cluster');
      const first = await before.take('cluster', { a: '1', b: '1' });
      world.remove('cluster', 'a').set('cluster', 'b', '2');
      publish();
      world.set('cluster', 'b', '1');
      publish();
      world.set('cluster', 'a', '1');
      await restart();
      const client = await connect();
      client.subscribe('cluster');
      const again = await client.take('cluster', { b: '1', a: '1' });
      expect(again.version).toBe(first.version);
      expect(again.versions).toEqual(first.versions);
    },
  },
  {
    name: 'C6: a first request for everything is answered, even when there is nothing',
    run: async ({ publish, connect }) => {
      publish();
      const client = await connect();
      client.subscribe('cluster');
      await client.take('cluster', {});
      client.subscribe('listener');
      await client.take('listener', {});
      await client.silent();
    },
  },
  {
    name: 'C6: a client that comes back up to date is told nothing; what changed meanwhile it gets as full state',
    protocols: SOTW,
    run: async ({ world, publish, connect, restart }) => {
      world.set('listener', 'a', '1').set('listener', 'b', '1');
      publish();
      const before = await connect();
      before.subscribe('listener');
      const { version } = await before.take('listener', { a: '1', b: '1' });
      await restart();
      const same = await connect();
      same.subscribe('listener', [], { version });
      await same.silent();
      world.remove('listener', 'a');
      await restart();
      const late = await connect();
      late.subscribe('listener', [], { version });
      await late.take('listener', { b: '1' });
    },
  },
  {
    name: 'N9 C6: what a client has from before, and refused an update of, goes when it is gone',
    protocols: SOTW,
    run: async ({ world, publish, connect, restart }) => {
      world.set('cluster', 'a', '1');
      publish();
      const before = await connect();
      before.subscribe('cluster');
      const { version } = await before.take('cluster', { a: '1' });
      world.set('cluster', 'a', 'bad');
      await restart();
      const client = await connect();
      client.subscribe('cluster', [], { version });
      client.nack(await client.expect('cluster', { a: 'bad' }));
      await client.silent();
      world.remove('cluster', 'a');
      publish();
      await client.take('cluster', {});
    },
  },
  {
    name: 'W11 C2: a client that comes back to listeners by name is told by a full state which are gone, even if none is left',
    protocols: SOTW,
    run: async ({ world, publish, connect, restart }) => {
      world.set('listener', 'a', '1').set('listener', 'b', '1');
      publish();
      const before = await connect();
      before.subscribe('listener', ['a', 'b']);
      const { version } = await before.take('listener', { a: '1', b: '1' });
      world.remove('listener', 'b');
      await restart();
      const client = await connect();
      client.subscribe('listener', ['a', 'b'], { version });
      const less = await client.take('listener', { a: '1' });
      await client.silent();
      world.remove('listener', 'a');
      await restart();
      const last = await connect();
      last.subscribe('listener', ['a', 'b'], { version: less.version });
      await last.take('listener', {});
      await last.silent();
    },
  },
  {
    name: 'C7: a client may come back with tens of thousands of names',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      world.set('listener', 'a', '1');
      publish();
      const client = await connect();
      const initial = Object.fromEntries(
        Array.from({ length: 40_000 }, (_, index) => [`${'n'.repeat(100)}${index}`, 'v'.repeat(12)]),
      );
      client.subscribe('listener', [], { initial });
      const reply = await client.next();
      expect(reply.resources).toEqual({ a: '1' });
      expect(reply.removed.length).toBeGreaterThan(1000);
    },
  },
  {
    name: 'W11 M8 O3: a client that comes back to a changed world keeps its listeners while their clusters are on their way',
    aggregated: true,
    protocols: SOTW,
    run: async ({ world, publish, connect, restart }) => {
      world.set('cluster', 'c', '1').set('listener', 'l', '1').set('listener', 'm', '1');
      publish();
      const before = await connect();
      before.subscribe('cluster');
      await before.take('cluster', { c: '1' });
      before.subscribe('listener');
      const listeners = await before.take('listener', { l: '1', m: '1' });
      world.set('cluster', 'd', '1').set('listener', 'l', '2', { clusters: ['d'] });
      await restart();
      const client = await connect();
      client.subscribe('cluster');
      const clusters = await client.expect('cluster', { c: '1', d: '1' });
      client.subscribe('listener', [], { version: listeners.version });
      // A state without `l` would close it.
      await client.silent();
      client.ack(clusters);
      await client.take('listener', { l: '2', m: '1' });
      await client.silent();
    },
  },
];
