import { expect } from 'vitest';
import { DELTA, type Scenario } from './scenario.ts';

export const FLOW: readonly Scenario[] = [
  {
    name: 'F1: until a response is answered nothing else of its type is sent, and then only the newest state',
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'a', '1').set('endpoints', 'b', '1');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a', 'b']);
      const first = await client.expect('endpoints', { a: '1', b: '1' });
      for (const content of ['2', '3', '4']) {
        world.set('endpoints', 'a', content);
        publish();
        await client.silent();
      }
      client.ack(first);
      await client.take('endpoints', { a: '4' });
      await client.silent();
    },
  },
  {
    name: 'F1: a change that comes with an ACK is not lost',
    run: async ({ world, publish, connect }) => {
      world.set('endpoints', 'a', '0');
      publish();
      const client = await connect();
      client.subscribe('endpoints', ['a']);
      for (let index = 0; index < 20; index += 1) {
        const reply = await client.expect('endpoints', { a: String(index) });
        world.set('endpoints', 'a', String(index + 1));
        if (index % 2 === 0) client.ack(reply);
        publish();
        if (index % 2 === 1) client.ack(reply);
      }
      await client.take('endpoints', { a: '20' });
      await client.silent();
    },
  },
  {
    name: 'F9: names that are asked for one by one in one moment are answered together',
    run: async ({ world, publish, connect }) => {
      const names = Array.from({ length: 50 }, (_, index) => `e${index}`);
      for (const name of names) world.set('endpoints', name, '1');
      publish();
      const client = await connect();
      for (const name of names) client.subscribe('endpoints', [name]);
      // Over a network some of them may have come a little later.
      const received: string[] = [];
      let replies = 0;
      while (received.length < names.length) {
        const reply = await client.next();
        client.ack(reply);
        received.push(...Object.keys(reply.resources));
        replies += 1;
      }
      expect(received.sort()).toEqual(names.sort());
      expect(replies).toBeLessThan(10);
      await client.silent();
    },
  },
  {
    name: 'F8: a big delta response comes in parts below 2 MB, one after the other, in order',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      const content = 'x'.repeat(500_000);
      const names = Array.from({ length: 9 }, (_, index) => `c${index}`);
      for (const name of names) world.set('cluster', name, content + name);
      publish();
      const client = await connect();
      client.subscribe('cluster');
      const received: string[] = [];
      for (let part = 0; part < 3; part += 1) {
        const reply = await client.next();
        expect(reply.bytes).toBeLessThan(2_000_000);
        received.push(...Object.keys(reply.resources));
        if (part === 1) {
          world.set('cluster', 'c0', `${content}new`).set('cluster', 'c8', `${content}new`);
          publish();
        }
        client.ack(reply);
      }
      // What changed meanwhile goes to the end, and is sent in its newest state only.
      expect(received).toEqual([...names.slice(0, 8), 'c0']);
      await client.take('cluster', { c8: `${content}new` });
      await client.silent();
    },
  },
];
