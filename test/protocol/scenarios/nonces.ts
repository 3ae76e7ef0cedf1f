import { expect } from 'vitest';
import { DELTA, type Scenario, SOTW } from './scenario.ts';

export const NONCES: readonly Scenario[] = [
  {
    name: 'S4: a type that we do not serve keeps the stream open; delta says that its names do not exist, once',
    aggregated: true,
    run: async ({ world, publish, connect, protocol }) => {
      world.set('cluster', 'a', '1');
      publish();
      const client = await connect();
      client.subscribe('type.googleapis.com/test.Unknown', ['x']);
      if (protocol === 'delta') await client.take('type.googleapis.com/test.Unknown', {}, ['x']);
      client.subscribe('cluster');
      await client.take('cluster', { a: '1' });
      await client.silent();
    },
  },
  {
    name: 'S5 S6: every resource has the type of its response, and no name is there twice',
    run: async ({ world, publish, connect }) => {
      world.set('cluster', 'a', '1').set('cluster', 'b', '1');
      publish();
      const client = await connect();
      // By name and by wildcard: the client of the tests checks both rules on every response.
      client.subscribe('cluster', ['*', 'a']);
      await client.take('cluster', { a: '1', b: '1' });
      world.set('cluster', 'a', '2').remove('cluster', 'b');
      publish();
      const next = await client.next();
      expect(next.resources).toEqual({ a: '2' });
    },
  },
  {
    name: 'S9: a type that is refused, or not answered, does not hold back another',
    aggregated: true,
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'e', '1').set('listener', 'l', '1').set('cluster', 'c', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['e']);
      client.nack(await client.expect('endpoints', { e: '1' }));
      client.subscribe('cluster');
      await client.expect('cluster', { c: '1' });
      client.subscribe('listener');
      await client.take('listener', { l: '1' });
      await client.silent();
    },
  },
  {
    name: 'N1: nonces are never empty and never the same, over all types and again sent resources',
    run: async ({ world, publish, connect }) => {
      world.set('cluster', 'c', '1').set('listener', 'l', '1').set('route', 'r', '1');
      publish();
      const client = await connect();
      client.subscribe('cluster');
      client.subscribe('listener');
      client.subscribe('route', ['r']);
      const nonces = new Set<string>();
      for (let index = 0; index < 3; index += 1) {
        const reply = await client.next();
        nonces.add(reply.nonce);
        client.ack(reply);
      }
      client.unsubscribe('route', ['r']);
      client.subscribe('route', ['r']);
      nonces.add((await client.expect('route', { r: '1' })).nonce);
      expect(nonces.size).toBe(4);
      expect(nonces).not.toContain('');
    },
  },
  {
    name: 'N2: a first request with the nonce of another stream is a first request',
    run: async ({ world, publish, connect }) => {
      world.set('cluster', 'c', '1');
      publish();
      const before = await connect();
      before.subscribe('cluster');
      const { nonce } = await before.take('cluster', { c: '1' });
      const client = await connect();
      client.subscribe('cluster', [], { nonce });
      expect((await client.take('cluster', { c: '1' })).nonce).not.toBe(nonce);
    },
  },
  {
    name: 'N3: a request with an old nonce is not answered, and is no ACK',
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'e', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['e']);
      const first = await client.take('endpoints', { e: '1' });
      world.set('endpoints', 'e', '2');
      publish();
      const second = await client.expect('endpoints', { e: '2' });
      client.raw('endpoints', { names: ['e'], nonce: first.nonce, version: first.version });
      world.set('endpoints', 'e', '3');
      publish();
      await client.silent();
      client.ack(second);
      await client.take('endpoints', { e: '3' });
    },
  },
  {
    name: 'N4: a request with an old nonce still says which names are wanted: they are answered after the ACK',
    protocols: SOTW,
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'a', '1').set('endpoints', 'b', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a']);
      const first = await client.take('endpoints', { a: '1' });
      world.set('endpoints', 'a', '2');
      publish();
      const second = await client.expect('endpoints', { a: '2' });
      client.raw('endpoints', { names: ['a', 'b'], nonce: first.nonce, version: first.version });
      await client.silent();
      client.raw('endpoints', { names: ['a', 'b'], nonce: second.nonce, version: second.version });
      await client.expect('endpoints', { b: '1' });
    },
  },
  {
    name: 'N5: a request with an old nonce still changes the subscription',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'a', '1').set('endpoints', 'b', '1').set('endpoints', 'c', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a', 'c']);
      const first = await client.take('endpoints', { a: '1', c: '1' });
      world.set('endpoints', 'a', '2');
      publish();
      const second = await client.expect('endpoints', { a: '2' });
      client.raw('endpoints', { subscribe: ['b'], unsubscribe: ['c'], nonce: first.nonce });
      await client.silent();
      client.ack(second);
      await client.take('endpoints', { b: '1' });
      world.set('endpoints', 'c', '2');
      publish();
      await client.silent();
    },
  },
  {
    name: 'N6: a change of names needs no nonce, may come with an ACK or a NACK, and is not taken for one',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      for (const name of ['a', 'b', 'c', 'd']) world.set('endpoints', name, '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a']);
      const first = await client.expect('endpoints', { a: '1' });
      // Without a nonce: no ACK, so nothing can follow yet (F1).
      client.subscribe('endpoints', ['b']);
      await client.silent();
      client.ack(first, { subscribe: ['c'] });
      const second = await client.expect('endpoints', { b: '1', c: '1' });
      client.nack(second, 'no', { subscribe: ['d'], unsubscribe: ['b', 'c'] });
      await client.take('endpoints', { d: '1' });
      await client.silent();
    },
  },
  {
    name: 'N7: a NACK is a request with an error, whatever version it has; without one it is an ACK',
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'a', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a']);
      const first = await client.expect('endpoints', { a: '1' });
      // An error with the version of the response is a NACK …
      client.nack(first, 'no', { version: first.version });
      await client.silent();
      world.set('endpoints', 'a', '2');
      publish();
      const second = await client.expect('endpoints', { a: '2' });
      // … and no error with an old version is an ACK.
      client.ack(second, { version: 'old' });
      world.set('endpoints', 'a', '3');
      publish();
      await client.take('endpoints', { a: '3' });
    },
  },
  {
    name: 'N8: what was refused is not sent again until it changes',
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'a', '1').set('endpoints', 'b', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a']);
      client.nack(await client.expect('endpoints', { a: '1' }));
      await client.silent();
      // Something else changes.
      world.set('endpoints', 'b', '2');
      publish();
      await client.silent();
      world.set('endpoints', 'a', '2');
      publish();
      await client.take('endpoints', { a: '2' });
    },
  },
  {
    name: 'N8: of several that were refused together, the good ones are sent again without the bad one',
    run: async ({ world, publish, connect }) => {
      const names = ['a', 'b', 'bad', 'c', 'd'];
      for (const name of names) world.set('endpoints', name, '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', names);
      client.nack(await client.expect('endpoints', { a: '1', b: '1', bad: '1', c: '1', d: '1' }));
      const accepted: string[] = [];
      let refusals = 0;
      while (accepted.length < 4) {
        const reply = await client.next();
        const sent = Object.keys(reply.resources);
        expect(sent.length).toBeLessThan(5);
        if (sent.includes('bad')) {
          client.nack(reply);
          refusals += 1;
        } else {
          client.ack(reply);
          accepted.push(...sent);
        }
      }
      await client.silent();
      expect(accepted.sort()).toEqual(['a', 'b', 'c', 'd']);
      expect(refusals).toBeLessThanOrEqual(3);
    },
  },
  {
    name: 'N9: after a NACK the client has what it had: going back to that is no change, and all else is full state',
    run: async ({ world, publish, connect, protocol }) => {
      world.set('cluster', 'a', '1').set('cluster', 'b', '1');
      publish();
      const client = await connect();
      client.subscribe('cluster');
      await client.take('cluster', { a: '1', b: '1' });
      world.set('cluster', 'a', 'bad');
      publish();
      const refused = await client.next();
      expect(refused.resources['a']).toBe('bad');
      client.nack(refused);
      await client.silent();
      // State-of-the-World: what the client has of the refused one stays in every response.
      world.set('cluster', 'b', '2');
      publish();
      await client.take('cluster', protocol === 'sotw' ? { a: '1', b: '2' } : { b: '2' });
      world.set('cluster', 'a', '1');
      publish();
      await client.silent();
      world.set('cluster', 'a', '3');
      publish();
      await client.take('cluster', protocol === 'sotw' ? { a: '3', b: '2' } : { a: '3' });
    },
  },
  {
    name: 'N10: an ACK of the same names is not answered',
    run: async ({ world, publish, connect }) => {
      world.set('cluster', 'a', '1').set('route', 'r', '1');
      publish();
      const client = await connect();
      client.subscribe('cluster');
      await client.take('cluster', { a: '1' });
      client.subscribe('route', ['r', 'none']);
      const reply = await client.next();
      client.ack(reply);
      await client.silent();
    },
  },
  {
    name: 'N11 C6: a full-state wildcard client that comes back with the newest version is told nothing',
    protocols: SOTW,
    run: async ({ world, publish, connect }) => {
      world.set('cluster', 'a', '1').set('cluster', 'b', '1').set('endpoints', 'e', '1');
      publish();
      const before = await connect();
      before.subscribe('cluster');
      const { version } = await before.take('cluster', { a: '1', b: '1' });
      const same = await connect();
      same.subscribe('cluster', [], { version });
      await same.silent();
      world.set('cluster', 'a', '2');
      publish();
      await same.take('cluster', { a: '2', b: '1' });
      // Not for names: nobody knows which of them the client had.
      before.subscribe('endpoints', ['e']);
      const endpoints = await before.next();
      const named = await connect();
      named.subscribe('endpoints', ['e'], { version: endpoints.version });
      await named.take('endpoints', { e: '1' });
    },
  },
  {
    name: 'N12: every resource has a version of its own, which changes with its content only',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      world.set('cluster', 'a', '1').set('cluster', 'b', '1');
      publish();
      const client = await connect();
      client.subscribe('cluster');
      const first = await client.take('cluster', { a: '1', b: '1' });
      world.set('cluster', 'a', '2');
      publish();
      const second = await client.take('cluster', { a: '2' });
      expect(second.versions['a']).not.toBe(first.versions['a']);
      world.set('cluster', 'a', '1');
      publish();
      expect((await client.take('cluster', { a: '1' })).versions['a']).toBe(first.versions['a']);
    },
  },
];
