import { expect } from 'vitest';
import { DELTA, type Scenario, SOTW } from './scenario.ts';

export const NAMES: readonly Scenario[] = [
  {
    name: 'W1: a first request without names asks for everything, now and later',
    run: async ({ world, publish, connect, protocol }) => {
      world.set('cluster', 'a', '1');
      publish();
      const client = await connect();
      client.subscribe('cluster');
      await client.take('cluster', { a: '1' });
      world.set('cluster', 'b', '1');
      publish();
      await client.take('cluster', protocol === 'sotw' ? { a: '1', b: '1' } : { b: '1' });
    },
  },
  {
    name: 'W2: `*` asks for everything and may stand beside names',
    run: async ({ world, publish, connect }) => {
      world.set('cluster', 'a', '1').set('cluster', 'b', '1');
      publish();
      const client = await connect();
      client.subscribe('cluster', ['*', 'a']);
      await client.take('cluster', { a: '1', b: '1' });
      await client.silent();
    },
  },
  {
    name: 'W3: everything, `*` and a name, the name, nothing: an empty list after names is not the wildcard',
    protocols: SOTW,
    run: async ({ world, publish, connect }) => {
      world.set('cluster', 'a', '1').set('cluster', 'b', '1');
      publish();
      const client = await connect();
      client.raw('cluster', {});
      const first = await client.expect('cluster', { a: '1', b: '1' });
      client.raw('cluster', { names: ['*', 'a'], nonce: first.nonce, version: first.version });
      // W9: `a` is new in the list.
      const second = await client.expect('cluster', { a: '1', b: '1' });
      client.raw('cluster', { names: ['a'], nonce: second.nonce, version: second.version });
      await client.silent();
      world.set('cluster', 'b', '2');
      publish();
      await client.silent();
      world.set('cluster', 'a', '2');
      publish();
      const third = await client.expect('cluster', { a: '2' });
      client.raw('cluster', { names: [], nonce: third.nonce, version: third.version });
      await client.silent();
      world.set('cluster', 'a', '3').set('cluster', 'b', '3');
      publish();
      await client.silent();
    },
  },
  {
    name: 'W4: everything, and a name; without `*` the name stays; without the name nothing does',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      world.set('cluster', 'a', '1').set('cluster', 'b', '1');
      publish();
      const client = await connect();
      client.subscribe('cluster');
      await client.take('cluster', { a: '1', b: '1' });
      client.subscribe('cluster', ['a']);
      await client.take('cluster', { a: '1' });
      world.set('cluster', 'b', '2');
      publish();
      await client.take('cluster', { b: '2' });
      client.unsubscribe('cluster', ['*']);
      await client.silent();
      world.set('cluster', 'a', '3').set('cluster', 'b', '3');
      publish();
      await client.take('cluster', { a: '3' });
      client.unsubscribe('cluster', ['a']);
      await client.silent();
      world.set('cluster', 'a', '4').set('cluster', 'b', '4');
      publish();
      await client.silent();
      client.subscribe('cluster', ['*']);
      await client.take('cluster', { a: '4', b: '4' });
    },
  },
  {
    name: 'W5: no names mean everything for listeners and clusters, and nothing for routes and endpoints',
    run: async ({ world, publish, connect }) => {
      world.set('listener', 'l', '1').set('route', 'r', '1').set('endpoints', 'e', '1');
      publish();
      const client = await connect();
      client.subscribe('route');
      client.subscribe('endpoints');
      await client.silent();
      client.subscribe('listener');
      await client.take('listener', { l: '1' });
    },
  },
  {
    name: 'W6: a name that is given up while `*` stays is answered with what it is now',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      world.set('cluster', 'a', '1');
      publish();
      const client = await connect();
      client.subscribe('cluster', ['*', 'a', 'none']);
      await client.take('cluster', { a: '1' }, ['none']);
      client.unsubscribe('cluster', ['a']);
      await client.take('cluster', { a: '1' });
      client.unsubscribe('cluster', ['none']);
      await client.take('cluster', {}, ['none']);
    },
  },
  {
    name: 'W7: a name that is given up otherwise, or was never asked for, is not answered',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'a', '1').set('endpoints', 'b', '1').set('cluster', 'c', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a', 'b']);
      await client.take('endpoints', { a: '1', b: '1' });
      client.unsubscribe('endpoints', ['a', 'never']);
      client.subscribe('cluster', ['*']);
      await client.take('cluster', { c: '1' });
      client.unsubscribe('cluster', ['c']);
      await client.silent();
    },
  },
  {
    name: 'W8: a name that is asked for again is sent again, though it did not change',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'a', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a']);
      await client.take('endpoints', { a: '1' });
      client.subscribe('endpoints', ['a']);
      await client.take('endpoints', { a: '1' });
      client.unsubscribe('endpoints', ['a']);
      client.subscribe('endpoints', ['a']);
      await client.take('endpoints', { a: '1' });
      await client.silent();
    },
  },
  {
    name: 'W9: a name that is new in the list is sent, also when it was sent before',
    protocols: SOTW,
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'a', '1').set('endpoints', 'b', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a', 'b']);
      await client.take('endpoints', { a: '1', b: '1' });
      client.unsubscribe('endpoints', ['a']);
      client.subscribe('endpoints', ['a']);
      await client.take('endpoints', { a: '1' });
      await client.silent();
    },
  },
  {
    name: 'W10: giving names up is not answered, and what they become is not sent',
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'a', '1').set('endpoints', 'b', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a', 'b']);
      await client.take('endpoints', { a: '1', b: '1' });
      client.unsubscribe('endpoints', ['a']);
      await client.silent();
      world.set('endpoints', 'a', '2');
      publish();
      await client.silent();
      world.set('endpoints', 'b', '2');
      publish();
      await client.take('endpoints', { b: '2' });
    },
  },
  {
    name: 'W11: a response of clusters or listeners holds all that is subscribed; of endpoints and routes what changed',
    protocols: SOTW,
    run: async ({ world, publish, connect }) => {
      for (const type of ['listener', 'cluster', 'endpoints', 'route'] as const) world.set(type, 'a', '1').set(type, 'b', '1');
      publish();
      const client = await connect();
      for (const type of ['listener', 'cluster'] as const) {
        client.subscribe(type);
        await client.take(type, { a: '1', b: '1' });
      }
      for (const type of ['endpoints', 'route'] as const) {
        client.subscribe(type, ['a', 'b']);
        await client.take(type, { a: '1', b: '1' });
      }
      for (const type of ['listener', 'cluster', 'endpoints', 'route'] as const) world.set(type, 'a', '2');
      publish();
      await client.take('cluster', { a: '2', b: '1' });
      await client.take('endpoints', { a: '2' });
      await client.take('listener', { a: '2', b: '1' });
      await client.take('route', { a: '2' });
      world.remove('listener', 'a').remove('listener', 'b');
      publish();
      await client.take('listener', {});
    },
  },
  {
    name: 'W12: of the names that are asked for, those that exist are sent at once',
    protocols: SOTW,
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'a', '1').set('endpoints', 'x', '1').set('route', 'r', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a', 'none']);
      await client.take('endpoints', { a: '1' });
      client.subscribe('route', ['r', 'none']);
      await client.take('route', { r: '1' });
    },
  },
  {
    name: 'W13 R2: names that do not exist get no empty response, and are sent when they do',
    protocols: SOTW,
    run: async ({ world, publish, connect }) => {
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a']);
      client.subscribe('listener', ['l']);
      await client.silent();
      world.set('endpoints', 'a', '1').set('listener', 'l', '1');
      publish();
      await client.take('endpoints', { a: '1' });
      await client.take('listener', { l: '1' });
      await client.silent();
    },
  },
  {
    name: 'R1: a name that does not exist is said to be gone once, stays subscribed, and is sent when it is there',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      world.set('route', 'other', '1');
      publish();
      const client = await connect();
      client.subscribe('route', ['a']);
      await client.take('route', {}, ['a']);
      world.set('route', 'other', '2');
      publish();
      await client.silent();
      world.set('route', 'a', '1');
      publish();
      await client.take('route', { a: '1' });
    },
  },
  {
    name: 'R3: what goes is said once, and what comes back is sent, also when it is the same',
    run: async ({ world, publish, connect, protocol }) => {
      world.set('listener', 'a', '1').set('listener', 'b', '1');
      publish();
      const client = await connect();
      client.subscribe('listener');
      await client.take('listener', { a: '1', b: '1' });
      world.remove('listener', 'a');
      publish();
      await client.take('listener', protocol === 'sotw' ? { b: '1' } : {}, ['a']);
      await client.silent();
      world.set('listener', 'a', '1');
      publish();
      await client.take('listener', protocol === 'sotw' ? { b: '1', a: '1' } : { a: '1' });
    },
  },
  {
    name: 'R3: what comes and goes between two responses is not mentioned',
    run: async ({ world, publish, connect }) => {
      world.set('listener', 'a', '1');
      publish();
      const client = await connect();
      client.subscribe('listener');
      const first = await client.expect('listener', { a: '1' });
      world.set('listener', 'short', '1').set('listener', 'a', '2');
      publish();
      world.remove('listener', 'short').set('listener', 'a', '1');
      publish();
      client.ack(first);
      await client.silent();
    },
  },
  {
    name: 'R4: names that are said to be gone need not have been there',
    protocols: DELTA,
    run: async ({ publish, connect }) => {
      publish();
      const client = await connect();
      client.subscribe('cluster', ['phantom'], { initial: { other: 'v' } });
      const reply = await client.take('cluster', {}, ['phantom']);
      expect(reply.nonce).not.toBe('');
    },
  },
  {
    name: 'R7: endpoints and routes that go are not mentioned: they go with what named them',
    protocols: SOTW,
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'e', '1').set('route', 'r', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['e']);
      await client.take('endpoints', { e: '1' });
      client.subscribe('route', ['r']);
      await client.take('route', { r: '1' });
      world.remove('endpoints', 'e').remove('route', 'r');
      publish();
      await client.silent();
      world.set('endpoints', 'e', '1').set('route', 'r', '1');
      publish();
      await client.take('endpoints', { e: '1' });
      await client.take('route', { r: '1' });
    },
  },
  {
    name: 'V3: a cluster that is asked for on demand, beside everything, is answered at once, or said not to exist',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      world.set('cluster', 'a', '1');
      publish();
      const client = await connect();
      client.subscribe('cluster', ['*']);
      await client.take('cluster', { a: '1' });
      client.subscribe('cluster', ['b']);
      await client.take('cluster', {}, ['b']);
      client.subscribe('cluster', ['a']);
      await client.take('cluster', { a: '1' });
      world.set('cluster', 'b', '1');
      publish();
      await client.take('cluster', { b: '1' });
      await client.silent();
    },
  },
  {
    name: 'V8: a name is a text like any other, an xdstp one too',
    run: async ({ world, publish, connect }) => {
      const name = 'xdstp://detour.dev/envoy.config.endpoint.v3.ClusterLoadAssignment/a?b=1&c=2';
      world.set('endpoints', name, '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', [name]);
      await client.take('endpoints', { [name]: '1' });
      world.set('endpoints', name, '2');
      publish();
      await client.take('endpoints', { [name]: '2' });
    },
  },
];
