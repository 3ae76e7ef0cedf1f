import { expect, test } from 'vitest';
import { kubernetesSource } from '../../../../src/sources/kubernetes/kubernetes-source.ts';
import type { ReflectorTimes } from '../../../../src/sources/kubernetes/reflector.ts';
import type { SourceBatch } from '../../../../src/sources/source.ts';
import { FakeApiServer, type FakeObject, sendStatus } from '../../../support/kubernetes/fake-api-server.ts';
import { until } from '../../../support/until.ts';

const TIMES: ReflectorTimes = { backOff: { first: 2, longest: 20 }, silence: 5_000, watchSeconds: 240 };

class Followed implements Disposable {
  readonly batches: SourceBatch[] = [];
  /** `kind namespace/name` → object. */
  readonly objects = new Map<string, unknown>();
  readonly source;
  readonly #subscription;

  constructor(fake: FakeApiServer, times: Partial<ReflectorTimes> = {}, namespaces: readonly string[] = []) {
    this.source = kubernetesSource({ access: fake.access, namespaces, now: Date.now, times: { ...TIMES, ...times } });
    this.#subscription = this.source.batches.subscribe((batch) => {
      this.batches.push(batch);
      for (const { kind, key, object } of batch.changes) {
        if (object === undefined) this.objects.delete(`${kind} ${key}`);
        else this.objects.set(`${kind} ${key}`, object);
      }
    });
  }

  get last(): SourceBatch {
    return this.batches.at(-1) ?? { changes: [], problems: [], synced: false, trouble: undefined };
  }

  get names(): readonly string[] {
    return [...this.objects.keys()].sort();
  }

  get troubles(): readonly string[] {
    return [...new Set(this.batches.flatMap(({ trouble }) => trouble ?? []))];
  }

  /** Every object that a batch told anew as it was would be one too many. */
  get changes(): number {
    return this.batches.reduce((sum, batch) => sum + batch.changes.length, 0);
  }

  [Symbol.dispose](): void {
    this.#subscription.unsubscribe();
  }
}

function service(name: string, port: unknown = 80, annotations: Record<string, string> = {}): FakeObject {
  const metadata = { namespace: 'shop', name, annotations };
  return { metadata, ...{ spec: { clusterIP: '10.0.0.1', ports: [{ name: 'http', port }] } } };
}

async function follow(fake: FakeApiServer, times: Partial<ReflectorTimes> = {}): Promise<Followed> {
  const followed = new Followed(fake, times);
  await settled(fake, followed);
  return followed;
}

/** Synced, without trouble, and with its three watches open. */
async function settled(fake: FakeApiServer, followed: Followed): Promise<void> {
  const watched = () => ['services', 'endpointslices', 'pods'].every((name) => fake.openWatches(name) === 1);
  await until('sync without trouble', () => followed.last.synced && followed.last.trouble === undefined && watched());
}

const lists = (fake: FakeApiServer, resource = 'services') =>
  fake.requests.filter((request) => request.resource === resource && !request.watch).length;

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
  using followed = new Followed(fake);
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

test('begins a list again when its pages are too old, with what was deleted meanwhile left out', async () => {
  await using fake = await FakeApiServer.start();
  for (let index = 0; index < 1100; index += 1) fake.put('services', service(`s${index}`));
  let pages = 0;
  fake.onNextPage = () => {
    pages += 1;
    if (pages !== 2) return;
    fake.remove('services', 'shop', 's3');
    fake.compact();
  };
  using followed = await follow(fake);
  expect(followed.objects.size).toBe(1099);
  expect(followed.names).not.toContain('service shop/s3');
  expect(lists(fake)).toBe(6);
  expect(followed.troubles).toEqual([]);
});

test('notices what is deleted between the pages of a list', async () => {
  await using fake = await FakeApiServer.start();
  for (let index = 0; index < 600; index += 1) fake.put('services', service(`s${index}`));
  fake.onNextPage = () => {
    fake.onNextPage = () => undefined;
    // The snapshot of the pages still has it: its removal comes by the watch.
    fake.put('services', service('late'));
    fake.remove('services', 'shop', 'late');
  };
  using followed = await follow(fake);
  expect(followed.objects.size).toBe(600);
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

test('notices a watch that is silent', async () => {
  await using fake = await FakeApiServer.start();
  using followed = await follow(fake, { silence: 100 });
  fake.deafen('services');
  fake.put('services', service('api'));
  await until('api', () => followed.objects.size === 1);
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

test.each([
  ['500', (response) => sendStatus(response, 500, 'etcd is slow'), 'cannot list services in all namespaces: 500 etcd is slow'],
  ['a reset', (response) => response.destroy(), /^the API server http:.* cannot be reached: .*socket hang up \(since [^;]*$/],
  ['HTML', (response) => response.end('<html>'), 'cannot list services in all namespaces: the answer is no JSON'],
  [
    'half a page',
    (response) => response.writeHead(200, { 'content-length': 99 }).write('{', () => response.destroy()),
    'broke off',
  ],
] satisfies readonly (readonly [string, (response: import('node:http').ServerResponse) => unknown, string | RegExp])[])(
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

test('asks for the namespaces that are given, each once', async () => {
  await using fake = await FakeApiServer.start();
  const seen: string[] = [];
  fake.fault = ({ resource, watch }) => {
    if (!watch) seen.push(resource);
    return false;
  };
  using followed = new Followed(fake, {}, ['shop', 'web', 'shop']);
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
