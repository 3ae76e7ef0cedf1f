import { describe, expect, it } from 'vitest';
import { SessionHarness } from '../../support/xds/harness.ts';

/** A client with cluster `a`, and route `r` that waits for cluster `b`, which is not acknowledged. */
async function waiting(harness: SessionHarness) {
  const { world, publish, connect } = harness;
  world.set('cluster', 'a', '1');
  world.set('route', 'q', '1', { clusters: ['a'] }).set('route', 'r', '1', { clusters: ['a'] });
  publish();
  const client = await connect();
  client.subscribe('cluster');
  await client.take('cluster', { a: '1' });
  client.subscribe('route', ['q', 'r']);
  await client.take('route', { q: '1', r: '1' });
  world.set('cluster', 'b', '1').set('route', 'r', '2', { clusters: ['b'] });
  publish();
  expect((await client.next()).resources).toMatchObject({ b: '1' });
  await client.silent();
  return client;
}

describe.each(['sotw', 'delta'] as const)('when a session wants to be asked again by itself, %s', (protocol) => {
  it('is when a route has waited long enough for its clusters, and then never', async () => {
    await using harness = new SessionHarness(protocol);
    const client = await waiting(harness);
    expect(harness.advanceToDeadline()).toBe(true);
    await client.take('route', { r: '2' });
    await client.silent();
    expect(harness.advanceToDeadline()).toBe(false);
  });

  it('is never while the client owes an answer, however long that takes', async () => {
    await using harness = new SessionHarness(protocol);
    const client = await waiting(harness);
    harness.world.set('route', 'q', '2', { clusters: ['a'] });
    harness.publish();
    const reply = await client.expect('route', { q: '2' });
    expect(harness.advanceToDeadline()).toBe(false);
    harness.advance(60_000);
    client.ack(reply);
    await client.take('route', { r: '2' });
  });

  it('is never once the client has given up what waited', async () => {
    await using harness = new SessionHarness(protocol);
    const client = await waiting(harness);
    client.unsubscribe('route', ['q', 'r']);
    await client.silent();
    expect(harness.advanceToDeadline()).toBe(false);
  });
});
