/** What an API server, or the network to it, does wrong, and what becomes of it. */
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { FakeApiServer, sendStatus } from '../../../support/kubernetes/fake-api-server.ts';
import { follow, lists, service, settled } from '../../../support/kubernetes/followed-cluster.ts';
import { until } from '../../../support/until.ts';

test('begins a list again when its pages are too old, with what was deleted meanwhile left out', async () => {
  await using fake = await FakeApiServer.start();
  for (let index = 0; index < 2600; index += 1) fake.put('services', service(`s${index}`));
  let pages = 0;
  fake.onNextPage = () => {
    pages += 1;
    if (pages !== 2) return;
    fake.remove('services', 'shop', 's3');
    fake.compact();
  };
  using followed = await follow(fake);
  expect(followed.objects.size).toBe(2599);
  expect(followed.names).not.toContain('service shop/s3');
  expect(lists(fake)).toBe(6);
  expect(followed.troubles).toEqual([]);
});

test('notices what is deleted between the pages of a list', async () => {
  await using fake = await FakeApiServer.start();
  for (let index = 0; index < 600; index += 1) fake.put('services', service(`s${index}`));
  fake.onNextPage = () => {
    fake.onNextPage = () => undefined;
    // The snapshot of the pages still has it as it was: what became of it comes by the watch.
    fake.remove('services', 'shop', 's599');
    fake.put('services', service('s598', 81));
    fake.put('services', service('late'));
  };
  using followed = await follow(fake);
  await until('what came later', () => followed.names.includes('service shop/late'));
  expect(followed.objects.size).toBe(600);
  expect(followed.names).not.toContain('service shop/s599');
  expect(JSON.stringify(followed.objects.get('service shop/s598'))).toContain('81');
  expect(lists(fake)).toBe(2);
});

test('lists again after 410 in a watch, and applies the difference', async () => {
  await using fake = await FakeApiServer.start();
  fake.put('services', service('stays'));
  fake.put('services', service('goes'));
  using followed = await follow(fake);
  fake.deafen('services');
  fake.remove('services', 'shop', 'goes');
  fake.put('services', service('comes'));
  fake.compact();
  fake.fault = ({ resource, watch }, response) => {
    if (resource !== 'services' || !watch) return false;
    fake.fault = () => false;
    response.writeHead(200).end(`${JSON.stringify({ type: 'ERROR', object: { code: 410, message: 'too old' } })}\n`);
    return true;
  };
  // Deaf watches are not known to the server any more: only a new one shows what happened.
  await fake.close();
  await fake.listen();
  await until('the difference', () => followed.names.join() === 'service shop/comes,service shop/stays');
  await settled(fake, followed);
  expect(followed.changes).toBe(4);
});

test('notices a watch that is silent', async () => {
  await using fake = await FakeApiServer.start();
  using followed = await follow(fake, { silence: 100 });
  fake.deafen('services');
  fake.put('services', service('api'));
  await until('api', () => followed.objects.size === 1);
});

test.each([
  ['no JSON', 'what is this\n'],
  ['no event', '{"a":1}\n'],
  ['no object', '{"type":"ADDED","object":[]}\n'],
  ['an event of no type', '{"type":"NEW","object":{"metadata":{"name":"a","resourceVersion":"5"}}}\n'],
  ['an object without a name', '{"type":"ADDED","object":{"metadata":{"resourceVersion":"5"}}}\n'],
  ['no characters', Buffer.from([0xff, 0xfe, 0x00, 0x0a])],
  ['an error without a code', '{"type":"ERROR","object":{}}\n'],
])('lists again after a watch that sends %s, and says so', async (_, text) => {
  await using fake = await FakeApiServer.start();
  using followed = await follow(fake);
  fake.sendRaw('services', text);
  await until('trouble', () => followed.troubles.length > 0);
  expect(followed.troubles[0]).toMatch(/^cannot watch services in all namespaces: (the watch sent what is no event|500)/);
  fake.put('services', service('api'));
  await until('api', () => followed.objects.size === 1);
  await settled(fake, followed);
  expect(lists(fake)).toBe(2);
});

test('takes an object of 1 MiB in pieces, and keeps what it uses of it', async () => {
  await using fake = await FakeApiServer.start();
  using followed = await follow(fake);
  fake.put('services', service('big', 80, { note: 'ä'.repeat(512 * 1024), 'detour.dev/hosts': 'a.example' }));
  await until('big', () => followed.objects.size === 1);
  expect(JSON.stringify([...followed.objects.values()]).length).toBeLessThan(1000);
  expect(followed.objects.get('service shop/big')).toMatchObject({ annotations: { hosts: 'a.example' } });
});

test.each([
  ['500', (response) => sendStatus(response, 500, 'etcd is slow'), 'cannot list services in all namespaces: 500 etcd is slow'],
  ['429', (response) => sendStatus(response, 429, 'too many requests'), /^cannot list services in all namespaces: 429 too many/],
  ['a reset', (response) => response.destroy(), /^the API server http:.* cannot be reached: .*socket hang up \(since [^;]*$/],
  ['HTML', (response) => response.end('<html>'), 'cannot list services in all namespaces: the answer is no JSON'],
  [
    'what is no gzip',
    (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('{}'),
    'cannot list services in all namespaces: a page of a list is no gzip: incorrect header check',
  ],
  [
    'errors in gzip',
    (response) => response.writeHead(500, { 'content-encoding': 'gzip' }).end(gzipSync('{"message":"etcd is slow"}')),
    'cannot list services in all namespaces: 500 etcd is slow',
  ],
  [
    'half a page',
    (response) => response.writeHead(200, { 'content-length': 99 }).write('{', () => response.destroy()),
    'broke off',
  ],
] satisfies readonly (readonly [string, (response: ServerResponse) => unknown, string | RegExp])[])(
  'survives a storm of %s, and says what it is',
  async (_, answer, message) => {
    await using fake = await FakeApiServer.start();
    fake.put('services', service('api'));
    using followed = await follow(fake);
    let failed = 0;
    fake.fault = (_request, response) => {
      failed += 1;
      answer(response);
      return true;
    };
    for (const name of ['services', 'endpointslices', 'pods']) fake.breakWatches(name, 'reset');
    await until('failures', () => failed > 20);
    expect(followed.names).toEqual(['service shop/api']);
    expect(followed.last.synced).toBe(true);
    expect(followed.last.trouble).toMatch(message);
    fake.fault = () => false;
    await settled(fake, followed);
    expect(followed.changes).toBe(1);
  },
);

test('asks for lists in gzip, and reads what comes so', async () => {
  await using fake = await FakeApiServer.start();
  for (let index = 0; index < 600; index += 1) fake.put('services', service(`s${index}`, 80, { note: 'ä'.repeat(500) }));
  using followed = await follow(fake);
  expect(followed.objects.size).toBe(600);
  expect(followed.names).toContain('service shop/s599');
  // A watch is not: its events come one by one.
  expect(fake.requests.map(({ watch, zipped }) => zipped !== watch)).not.toContain(false);
});

test('waits as long as a 429 asks for', async () => {
  await using fake = await FakeApiServer.start();
  using followed = await follow(fake);
  const asked: number[] = [];
  fake.fault = ({ resource }, response) => {
    if (resource !== 'services') return false;
    asked.push(performance.now());
    if (asked.length > 1) return false;
    sendStatus(response, 429, 'too many requests', { 'retry-after': '1' });
    return true;
  };
  fake.breakWatches('services', 'reset');
  await until('the second attempt', () => asked.length > 1);
  expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(990);
  await settled(fake, followed);
});

test('does not spin where watches end at once', async () => {
  await using fake = await FakeApiServer.start();
  using followed = await follow(fake, { backOff: { first: 50, longest: 100 } });
  fake.fault = ({ watch }, response) => {
    if (watch) response.writeHead(200).end();
    return watch;
  };
  const before = fake.requests.length;
  fake.breakWatches('services', 'end');
  await until('a few attempts', () => fake.requests.length > before + 5);
  const started = performance.now();
  const count = fake.requests.length;
  await until('three more', () => fake.requests.length > count + 3);
  expect(performance.now() - started).toBeGreaterThan(50);
  fake.fault = () => false;
  await settled(fake, followed);
});

test('serves its last state while the server is away, and takes what a new one says when it returns', async () => {
  await using fake = await FakeApiServer.start();
  fake.put('services', service('old'));
  fake.put('services', service('kept'));
  using followed = await follow(fake);
  await fake.close();
  await until('trouble', () => followed.last.trouble !== undefined);
  await until('refusals', () => followed.troubles.some((text) => text.includes('ECONNREFUSED')));
  expect(followed.objects.size).toBe(2);
  fake.wipe();
  fake.put('services', service('kept'));
  fake.put('services', service('new'));
  await fake.listen();
  await settled(fake, followed);
  expect(followed.names).toEqual(['service shop/kept', 'service shop/new']);
  expect(followed.changes).toBe(4);
});
