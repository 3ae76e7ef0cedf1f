import { expect, test } from 'vitest';
import { FakeApiServer, sendStatus } from '../../../support/kubernetes/fake-api-server.ts';
import { FollowedCluster, follow, lists, service, settled } from '../../../support/kubernetes/followed-cluster.ts';
import { until } from '../../../support/until.ts';

test('lists, then follows additions, changes and removals, and tells nothing twice', async () => {
  await using fake = await FakeApiServer.start();
  fake.put('services', service('api'));
  using followed = await follow(fake);
  expect(followed.names).toEqual(['service shop/api']);
  fake.put('services', service('web'));
  fake.put('services', service('api'));
  fake.put('services', service('api', 81));
  fake.remove('services', 'shop', 'web');
  await until('the end of web', () => followed.names.length === 1 && followed.changes === 4);
  expect(followed.objects.get('service shop/api')).toMatchObject({ ports: [{ port: 81 }] });
  expect(lists(fake)).toBe(1);
  expect(followed.troubles).toEqual([]);
  expect(Date.now() - followed.source.lastReadAt()).toBeLessThan(60_000);
});

test('is not synced before every resource was listed', async () => {
  await using fake = await FakeApiServer.start();
  fake.put('services', service('api'));
  fake.fault = ({ resource }, response) => {
    if (resource !== 'pods') return false;
    sendStatus(response, 403, 'pods is forbidden');
    return true;
  };
  using followed = new FollowedCluster(fake);
  await until('services and the trouble', () => followed.names.length === 1 && followed.last.trouble !== undefined);
  expect(followed.last.synced).toBe(false);
  expect(followed.source.lastReadAt()).toBe(0);
  expect(followed.last.trouble).toMatch(
    /^cannot list pods in all namespaces: 403 pods is forbidden: whoever Detour runs as needs get, list and watch on pods \(since 20/,
  );
  expect(followed.last.problems).toMatchObject([{ code: 'SourceUnavailable' }]);
  fake.fault = () => false;
  await settled(fake, followed);
  expect(followed.last.problems).toEqual([]);
});

test('tells each page of the first list as it comes, and a later list at once', async () => {
  await using fake = await FakeApiServer.start();
  for (let index = 0; index < 1100; index += 1) fake.put('services', service(`s${index}`));
  using followed = await follow(fake);
  const told = () => followed.batches.filter(({ changes }) => changes.length > 0);
  expect(told().map(({ changes, synced }) => [changes.length, synced])).toEqual([500, 600].map((count) => [count, false]));
  fake.deafen('services');
  for (let index = 0; index < 1100; index += 1) fake.put('services', service(`s${index}`, 81));
  fake.compact();
  fake.breakWatches('services', 'end');
  await until('the second list', () => followed.changes === 2200);
  expect(told()).toHaveLength(3);
});

test.each([
  ['small', 100, [500, 2_000, 5_000]],
  ['usual', 2_000, [500, 1_000, 1_000]],
  ['large', 20_000, [500, 100, 100]],
  ['huge', 200_000, [500, 50, 50]],
])('pages of %s objects are of some megabytes, whatever their number', async (_, bytes, expected) => {
  await using fake = await FakeApiServer.start();
  const asked: number[] = [];
  fake.fault = ({ resource, watch, query }, response) => {
    if (resource !== 'services' || watch) return false;
    const limit = Number(query.get('limit'));
    asked.push(limit);
    const metadata = { resourceVersion: '1', ...(asked.length < expected.length ? { continue: `${asked.length}` } : {}) };
    const items = Array.from({ length: limit }, (_none, index) => service(`s${asked.length}-${index}`));
    const text = JSON.stringify({ kind: 'ServiceList', metadata, items });
    // Spaces do not count for JSON, but for the page.
    response.setHeader('content-type', 'application/json').end(text.padEnd(limit * bytes));
    return true;
  };
  using followed = await follow(fake);
  expect(followed.names).toHaveLength(asked.reduce((sum, each) => sum + each, 0));
  for (const [index, limit] of expected.entries()) expect(asked[index]).toBeCloseTo(limit, -2);
  expect(asked).toHaveLength(expected.length);
});

test('selects by label at the server, and asks for pages, bookmarks and an end', async () => {
  await using fake = await FakeApiServer.start();
  using _ = await follow(fake);
  const pods = fake.requests.filter(({ resource }) => resource === 'pods');
  expect(pods.map(({ query }) => query.get('labelSelector'))).toEqual(['detour.dev/preview', 'detour.dev/preview']);
  expect(pods[0]?.query.get('limit')).toBe('500');
  expect(pods[1]?.query.get('allowWatchBookmarks')).toBe('true');
  expect(Number(pods[1]?.query.get('timeoutSeconds'))).toBeGreaterThanOrEqual(240);
  expect(Number(pods[1]?.query.get('timeoutSeconds'))).toBeLessThanOrEqual(300);
});

test('goes on from where it was when the server ends a watch in time, without another list', async () => {
  await using fake = await FakeApiServer.start();
  using followed = await follow(fake);
  fake.put('services', service('api'));
  await until('api', () => followed.objects.size === 1);
  fake.breakWatches('services', 'end');
  fake.put('services', service('web'));
  await until('web', () => followed.objects.size === 2);
  expect(lists(fake)).toBe(1);
  expect(followed.changes).toBe(2);
  expect(followed.troubles).toEqual([]);
});

test('lives on bookmarks where nothing else happens', async () => {
  await using fake = await FakeApiServer.start();
  using followed = await follow(fake, { silence: 400 });
  const beats = setInterval(() => {
    for (const name of ['services', 'endpointslices', 'pods'])
      fake.sendRaw(name, `${JSON.stringify({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '200' } } })}\n`);
  }, 50);
  const read = followed.source.lastReadAt();
  await until('a second without silence', () => followed.source.lastReadAt() > read + 1_000);
  clearInterval(beats);
  expect(lists(fake)).toBe(1);
  fake.breakWatches('services', 'end');
  await until('a watch from the bookmark', () =>
    fake.requests.some(({ resource, query }) => resource === 'services' && query.get('resourceVersion') === '200'),
  );
});

test('keeps the last state of an object that cannot be read, with a problem until it can', async () => {
  await using fake = await FakeApiServer.start();
  fake.put('services', service('api'));
  using followed = await follow(fake);
  fake.put('services', service('api', 'eighty'));
  await until('the problem', () => followed.last.problems.length === 1);
  expect(followed.last.problems).toMatchObject([{ code: 'InvalidObject', subject: { kind: 'Service', key: 'shop/api' } }]);
  expect(followed.objects.get('service shop/api')).toMatchObject({ ports: [{ port: 80 }] });
  fake.breakWatches('services', 'reset');
  await until('another list', () => lists(fake) === 2 && fake.openWatches('services') === 1);
  expect(followed.objects.get('service shop/api')).toMatchObject({ ports: [{ port: 80 }] });
  fake.put('services', service('api', 81));
  await until('no problem', () => followed.last.problems.length === 0);
  expect(followed.objects.get('service shop/api')).toMatchObject({ ports: [{ port: 81 }] });
});

test('asks for the namespaces that are given, each once', async () => {
  await using fake = await FakeApiServer.start();
  const seen: string[] = [];
  fake.fault = ({ resource, watch }) => {
    if (!watch) seen.push(resource);
    return false;
  };
  using followed = new FollowedCluster(fake, {}, ['shop', 'web', 'shop']);
  await until('sync', () => followed.last.synced);
  expect(seen.sort()).toEqual(['endpointslices', 'endpointslices', 'pods', 'pods', 'services', 'services']);
});

test('leaves nothing open when it ends', async () => {
  await using fake = await FakeApiServer.start();
  const followed = await follow(fake);
  followed[Symbol.dispose]();
  await until('no watch', () => fake.openWatches('services') + fake.openWatches('pods') === 0);
  const { length } = fake.requests;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(fake.requests).toHaveLength(length);
});
