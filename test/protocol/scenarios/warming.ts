import type { Client } from '../../support/xds/client.ts';
import type { Harness } from '../../support/xds/harness.ts';
import { DELTA, type Scenario, SOTW } from './scenario.ts';

/** A client with cluster `c`, its endpoints `e`, and a route `r` to it, all accepted. */
async function settled({ world, publish, connect }: Harness): Promise<Client> {
  world
    .set('cluster', 'c', '1', { endpointsName: 'e' })
    .set('endpoints', 'e', '1')
    .set('route', 'r', '1', { clusters: ['c'] });
  publish();
  const client = await connect();
  client.subscribe('cluster');
  await client.take('cluster', { c: '1' });
  client.subscribe('endpoints', ['e']);
  await client.take('endpoints', { e: '1' });
  client.subscribe('route', ['r']);
  await client.take('route', { r: '1' });
  return client;
}

export const WARMING: readonly Scenario[] = [
  {
    name: 'M1: the same names again after they were acknowledged are answered: a cluster is warming',
    protocols: SOTW,
    run: async (harness) => {
      const client = await settled(harness);
      client.subscribe('endpoints', ['e']);
      await client.take('endpoints', { e: '1' });
      await client.silent();
    },
  },
  {
    name: 'M2 M3: endpoints follow a cluster that changed, unasked and unchanged, without waiting for its ACK; not twice',
    aggregated: true,
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world.set('cluster', 'c', '2', { endpointsName: 'e' });
      publish();
      const clusters = await client.expect('cluster', { c: '2' });
      const endpoints = await client.expect('endpoints', { e: '1' });
      // What Envoy asks while it warms the cluster has an old nonce by now.
      if (client.protocol === 'sotw') client.raw('endpoints', { names: ['e'], nonce: 'older' });
      client.ack(endpoints);
      client.ack(clusters);
      await client.silent();
    },
  },
  {
    name: 'M4: endpoints of a new cluster are sent when they are asked for',
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world.set('cluster', 'd', '1', { endpointsName: 'f' }).set('endpoints', 'f', '1');
      publish();
      const clusters = await client.expect('cluster', client.protocol === 'sotw' ? { c: '1', d: '1' } : { d: '1' });
      await client.silent();
      client.subscribe('endpoints', ['f']);
      await client.take('endpoints', { f: '1' });
      client.ack(clusters);
      await client.silent();
    },
  },
  {
    name: 'M4 R5: endpoints that are asked for when their cluster is on its way out already are sent: it is warming',
    aggregated: true,
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world.set('cluster', 'd', '1', { endpointsName: 'f' }).set('endpoints', 'f', '1');
      publish();
      const clusters = await client.next();
      world.remove('cluster', 'd').remove('endpoints', 'f');
      publish();
      client.subscribe('endpoints', ['f']);
      await client.take('endpoints', { f: '1' });
      client.ack(clusters);
      await client.take('cluster', client.protocol === 'sotw' ? { c: '1' } : {}, ['d']);
    },
  },
  {
    name: 'M5: a new cluster that shares its endpoints with another one gets them too',
    aggregated: true,
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world.set('cluster', 'd', '1', { endpointsName: 'e' });
      publish();
      const clusters = await client.expect('cluster', client.protocol === 'sotw' ? { c: '1', d: '1' } : { d: '1' });
      await client.take('endpoints', { e: '1' });
      client.ack(clusters);
      await client.silent();
    },
  },
  {
    name: 'M6 R5: a cluster without endpoints gets an empty assignment, and so does one that loses them',
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world.remove('endpoints', 'e');
      publish();
      await client.take('endpoints', { e: '' });
      world.set('cluster', 'd', '1', { endpointsName: 'none' });
      publish();
      client.ack(await client.next());
      client.subscribe('endpoints', ['none']);
      await client.take('endpoints', { none: '' });
      world.set('endpoints', 'none', '1');
      publish();
      await client.take('endpoints', { none: '1' });
    },
  },
  {
    name: 'M8 O4: a route to a new cluster waits until the cluster is acknowledged; its endpoints do not wait',
    aggregated: true,
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world
        .set('cluster', 'd', '1', { endpointsName: 'f' })
        .set('endpoints', 'f', '1')
        .set('route', 'r', '2', { clusters: ['c', 'd'] });
      publish();
      const clusters = await client.expect('cluster', client.protocol === 'sotw' ? { c: '1', d: '1' } : { d: '1' });
      await client.silent();
      client.subscribe('endpoints', ['f']);
      await client.take('endpoints', { f: '1' });
      await client.silent();
      client.ack(clusters);
      await client.take('route', { r: '2' });
      await client.silent();
    },
  },
  {
    name: 'M8: a route waits for no cluster that the client has, does not ask for, or that does not exist',
    aggregated: true,
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world.set('cluster', 'c', '2', { endpointsName: 'e' }).set('route', 'r', '2', { clusters: ['c', 'static'] });
      publish();
      await client.expect('cluster', { c: '2' });
      await client.take('endpoints', { e: '1' });
      await client.take('route', { r: '2' });
      const named = await harness.connect();
      named.subscribe('cluster', ['other']);
      if (named.protocol === 'delta') await named.take('cluster', {}, ['other']);
      named.subscribe('route', ['r']);
      await named.take('route', { r: '2' });
    },
  },
  {
    name: 'M8: a route waits for a cluster that is just being taken away, and comes back',
    aggregated: true,
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      const isSotw = client.protocol === 'sotw';
      world.set('cluster', 'd', '1');
      publish();
      await client.take('cluster', isSotw ? { c: '1', d: '1' } : { d: '1' });
      world.remove('cluster', 'd');
      publish();
      const gone = await client.expect('cluster', isSotw ? { c: '1' } : {}, ['d']);
      world.set('cluster', 'd', '1').set('route', 'r', '2', { clusters: ['d'] });
      publish();
      await client.silent();
      client.ack(gone);
      await client.take('cluster', isSotw ? { c: '1', d: '1' } : { d: '1' });
      await client.take('route', { r: '2' });
    },
  },
  {
    name: 'M9: a route waits 15 s for a cluster that is never acknowledged, and no longer',
    aggregated: true,
    needsClock: true,
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish, advance } = harness;
      world.set('cluster', 'd', '1').set('route', 'r', '2', { clusters: ['d'] });
      publish();
      await client.next();
      await client.silent();
      advance(14_999);
      await client.silent();
      advance(1);
      await client.take('route', { r: '2' });
    },
  },
  {
    name: 'M9: other routes do not wait with the one that does',
    aggregated: true,
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world.set('route', 's', '1', { clusters: ['c'] });
      publish();
      client.subscribe('route', ['s']);
      await client.take('route', { s: '1' });
      world
        .set('cluster', 'd', '1')
        .set('route', 'r', '2', { clusters: ['d'] })
        .set('route', 's', '2', { clusters: ['c'] });
      publish();
      const clusters = await client.next();
      const routes = await client.expect('route', { s: '2' });
      client.ack(clusters);
      await client.silent();
      client.ack(routes);
      await client.take('route', { r: '2' });
    },
  },
  {
    name: 'M10 M11: clusters are not sent again when only their endpoints change, or something else',
    run: async (harness) => {
      const client = await settled(harness);
      const { world, publish } = harness;
      world
        .set('endpoints', 'e', '2')
        .set('route', 'r', '2', { clusters: ['c'] })
        .set('cluster', 'c', '1', { endpointsName: 'e' });
      publish();
      await client.take('endpoints', { e: '2' });
      await client.take('route', { r: '2' });
      await client.silent();
    },
  },
  {
    name: 'M10: of many clusters only those that changed are sent',
    protocols: DELTA,
    run: async ({ world, publish, connect }) => {
      for (let index = 0; index < 100; index += 1) world.set('cluster', `c${index}`, '1');
      publish();
      const client = await connect();
      client.subscribe('cluster');
      client.ack(await client.next());
      world.set('cluster', 'c7', '2');
      publish();
      await client.take('cluster', { c7: '2' });
      await client.silent();
    },
  },
];
