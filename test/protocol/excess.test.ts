/** What a client may ask for has bounds, which it is told; nobody else notices. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type RunningApp, runApp, untilReady } from '../support/running-app.ts';
import { until } from '../support/until.ts';
import { PlainStream, TYPES } from '../support/xds/plain-stream.ts';

/** Asked for all of one, a server answers whatever there is. */
const { clusters: CLUSTERS, listeners: LISTENERS, endpoints: ENDPOINTS } = TYPES;
const MIB = 1024 * 1024;
const NODE = { id: 'grpc-client' };

let running: RunningApp;
beforeAll(async () => {
  running = await runApp({ limits: { maxNames: 5_000 } });
  await untilReady(running);
});
afterAll(() => running[Symbol.asyncDispose]());

const open = (kind: 'sotw' | 'delta') => new PlainStream(kind, running.app.xds.port, NODE);
const namesOf = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `name-${from + index}`);

describe.each(['sotw', 'delta'] as const)('by %s a client', (kind) => {
  /** Another one, which goes on all the while. */
  let bystander: PlainStream;
  beforeEach(async () => {
    bystander = open(kind);
    bystander.ask(CLUSTERS, ['*']);
    await until('an answer', () => bystander.types.length > 0);
    return async () => {
      bystander.ask(LISTENERS, ['*']);
      await until('the other to be answered', () => bystander.types.includes(LISTENERS));
      expect(bystander.end).toBeUndefined();
      bystander[Symbol.dispose]();
    };
  });

  test.each([
    [
      'a type URL of 1 MiB',
      [],
      { type_url: `type.googleapis.com/${'x'.repeat(MIB)}` },
      'type_url has 1048596 characters, and may have 256',
    ],
    ['a name of 1 MiB', ['x'.repeat(MIB)], {}, 'a name has 1048576 bytes, and may have 2048'],
    ['too many names', namesOf(5_001), {}, 'the request has 5001 names, and may have 5000'],
    ['a node.id that is too long', ['a'], { node: { id: 'x'.repeat(1_025) } }, 'node.id has 1025 characters, and may have 1024'],
  ])('that sends %s is told what is too much', async (_, names, more, message) => {
    using stream = open(kind);
    stream.ask(ENDPOINTS, names, more);
    await until('the end', () => stream.end);
    expect(stream.end).toBe(`8 RESOURCE_EXHAUSTED: ${message}`);
  });

  test('that says more than 1 MiB of itself is told', async () => {
    using stream = open(kind);
    const fields = { any: { stringValue: 'x'.repeat(MIB) } };
    stream.ask(ENDPOINTS, ['a'], { node: { ...NODE, metadata: { fields } } });
    await until('the end', () => stream.end);
    expect(stream.end).toMatch(/^3 INVALID_ARGUMENT: .*node has 1048\d{3} bytes, and may have 1048576$/);
  });

  test('that names as many as it may, in as long names as it may, is served', async () => {
    using stream = open(kind);
    stream.ask(CLUSTERS, ['*', 'x'.repeat(2_048), ...namesOf(4_998)]);
    await until('an answer', () => stream.types.length > 0 || stream.end !== undefined);
    expect(stream.end).toBeUndefined();
  });

  test('that names few at a time, and more and more, is told when they are too many', async () => {
    using stream = open(kind);
    for (const type of Object.values(TYPES)) stream.ask(type, namesOf(2_000));
    await until('the end', () => stream.end);
    expect(stream.end).toMatch(/^8 RESOURCE_EXHAUSTED: the stream is subscribed to (6|8)000 names, and may be to 5000/);
  });

  test('that asks for types without end is not told of more than a few', async () => {
    using stream = open(kind);
    for (let index = 0; index < 2_000; index += 1) stream.ask(`type.googleapis.com/unknown.Type${index}`, ['x']);
    stream.ask(CLUSTERS, ['*']);
    await until('an answer to what is known', () => stream.types.includes(CLUSTERS));
    const { proxies } = JSON.parse((await running.get('/api/proxies')).body);
    expect(Math.max(...proxies.map(({ types }: { types: unknown[] }) => types.length))).toBeLessThan(25);
  });

  test('that sends a request of 65 MiB is told, and costs no more', async () => {
    using stream = open(kind);
    stream.ask(ENDPOINTS, ['x'], { node: { ...NODE, user_agent_name: 'x'.repeat(65 * MIB) } });
    await until('the end', () => stream.end, 60_000);
    expect(stream.end).toMatch(/^8 RESOURCE_EXHAUSTED/);
  });

  test('that refuses with 1 MiB of reasons is kept short', async () => {
    using stream = open(kind);
    const seen = running.log.length;
    stream.ask(CLUSTERS, ['*']);
    await until('an answer', () => stream.types.length > 0 || stream.end !== undefined);
    stream.ask(CLUSTERS, [], { response_nonce: stream.nonce, error_detail: { code: 3, message: 'y'.repeat(MIB) } });
    stream.ask(LISTENERS, ['*']);
    await until('an answer', () => stream.types.includes(LISTENERS));
    expect(running.log.slice(seen).map(({ message }) => message)).toContain('Envoy refused a response');
    expect(JSON.stringify(running.log.slice(seen)).length).toBeLessThan(20_000);
    expect((await running.get('/api/proxies')).body.length).toBeLessThan(100_000);
  });
});
