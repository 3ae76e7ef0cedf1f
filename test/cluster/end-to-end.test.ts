/**
 * All of it together: the built package, installed from the project's manifest, two replicas of it; real gateways and
 * sidecars; previews that come by `kubectl apply`, and requests that must get to them as soon as `detour wait` returns.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Io } from '../../src/cli/command.ts';
import { run } from '../../src/cli/main.ts';
import { type Cluster, openCluster } from '../support/cluster/cluster.ts';
import { EntriesLoad, type Entry, entriesOf, keyed } from '../support/cluster/entries.ts';
import { envoyResources } from '../support/cluster/envoy-resources.ts';
import { Installation } from '../support/cluster/installation.ts';
import type { PodObject } from '../support/cluster/pod-objects.ts';
import { detourImage, envoyImage } from '../support/cluster/program-image.ts';
import { ReplicaKiller } from '../support/cluster/replica-killer.ts';
import { previewObject, SHOP_APPS, type ShopService, shopObjects } from '../support/cluster/shop.ts';
import { type InstalledPackage, installPackage } from '../support/package/installed-package.ts';
import { until } from '../support/until.ts';
import { HttpClient, pathOf } from '../support/world/client.ts';
import { Ledger } from '../support/world/ledger.ts';

const PREVIEWS = 100;
const AT_A_TIME = 6;
const KILL_EVERY_MS = 3_000;
const SEED = 20_261_122;

let stack: AsyncDisposableStack;
let installed: InstalledPackage;
let cluster: Cluster;
let installation: Installation;
let shop: string;
let entries: readonly Entry[];
let kubeconfig: string;
let before: { readonly envoys: readonly (readonly string[])[]; readonly objects: readonly string[] };

beforeAll(async () => {
  stack = new AsyncDisposableStack();
  installed = stack.use(await installPackage());
  const dist = join(installed.folder, 'node_modules', 'detour', 'dist');
  cluster = stack.use(
    await openCluster({
      images: (own) => ({
        detour: detourImage([process.execPath, '--max-semi-space-size=4', join(dist, 'main.js')]),
        'envoyproxy/envoy': envoyImage(),
        'shop/api': own.appImage(SHOP_APPS.api),
        'shop/frontend': own.appImage(SHOP_APPS.frontend),
      }),
    }),
  );
  installation = stack.use(await Installation.apply(cluster));
  await installation.letUse('developer');
  shop = await cluster.namespace('shop');
  await cluster.apply(await shopObjects(shop, await installation.xds()));
  await installation.ready();
  for (const name of ['frontend', 'api']) await cluster.rolledOut(shop, name);
  kubeconfig = await cluster.kubeconfigFile('developer');
  const gateways = (await installation.gateways()).map(addressOf);
  const { spec } = await cluster.request<{ spec: { clusterIP: string } }>('GET', `/api/v1/namespaces/${shop}/services/api`);
  entries = entriesOf(shop, gateways, spec.clusterIP);
  before = { envoys: await Promise.all((await envoys()).map(resourcesOf)), objects: await objectsLeft() };
}, 300_000);

afterAll(() => stack.disposeAsync());

function addressOf({ status }: PodObject): string {
  return (status as { podIP?: string } | undefined)?.podIP ?? '';
}

function waitArguments(key: string): readonly string[] {
  return ['wait', key, '--kubeconfig', kubeconfig, '--system-namespace', installation.namespace, '-n', shop];
}

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** The command, here: it is run often. */
async function wait(key: string): Promise<Said> {
  let [out, err] = ['', ''];
  const io: Io = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    environment: {},
  };
  return { code: await run(waitArguments(key), io), out, err };
}

type EnvoyPod = readonly [namespace: string, pod: string];

/** Every Envoy that the test has. */
async function envoys(): Promise<readonly EnvoyPod[]> {
  const sidecars = (await cluster.pods(shop)).filter(({ spec }) => spec.containers.some(({ name }) => name === 'envoy'));
  return [...(await installation.gateways()), ...sidecars].map(({ metadata }) => [metadata.namespace, metadata.name]);
}

test('one Deployment is applied: from the first request after `detour wait` on, those with its key reach it', async () => {
  const key = 'pr-42';
  const preview = previewObject(shop, 'api', key);
  expect(await cluster.kubectl(['apply', '-f', '-'], { input: JSON.stringify(preview) })).toMatchObject({ code: 0 });
  expect(await installed.detour(...waitArguments(key))).toBe(`pr-42 is live for ${shop}/api:80: on 5 of 5 Envoys\n`);

  const ledger = new Ledger();
  ledger.allow(key);
  for (const { address, port, host, path, way } of entries) {
    using client = new HttpClient(port, 1, address);
    const reply = await client.ask({ host, path, headers: { baggage: `detour=${key}` } });
    expect(pathOf(reply)).toBe(way.length === 2 ? 'baseline > pr-42' : 'pr-42');
  }
  await using load = new EntriesLoad(entries, 600);
  // Three of four requests.
  using _key = load.addKey(key, 'api', ledger);
  using _more = load.addKey(key, 'api', ledger);
  using _most = load.addKey(key, 'api', ledger);
  await until('10,000 more with the key, and a third of that without', () => load.requests > 13_400, 60_000);
  expect((await load.stop()).map(({ failures, details }) => ({ failures, details }))).toEqual(
    entries.map(() => ({ failures: 0, details: [] })),
  );
  await cluster.delete([preview]);
}, 120_000);

test('a hundred previews come and go at random while replicas are killed: nothing fails, and nothing is left over', async () => {
  const load = new EntriesLoad(entries, 20);
  await using _load = load;
  await using killer = new ReplicaKiller(cluster, installation, KILL_EVERY_MS, seeded(SEED));

  let next = 0;
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      while (next < PREVIEWS) {
        next += 1;
        await comeAndGo(`try-${next}`, seeded(SEED + next), load);
      }
    }),
  );
  await killer.stop();
  const reports = await load.stop();
  expect(reports.flatMap(({ details }) => details)).toEqual([]);
  expect(reports.map(({ failures }) => failures)).toEqual(entries.map(() => 0));
  expect(killer.killed.length).toBeGreaterThan(5);
  await installation.ready();
  await nothingLeft(killer.killed);
}, 300_000);

async function comeAndGo(key: string, random: () => number, load: EntriesLoad): Promise<void> {
  const service: ShopService = random() < 0.7 ? 'api' : 'frontend';
  const stay = 1_000 * random();
  const preview = previewObject(shop, service, key);
  const ledger = new Ledger();
  ledger.allow('baseline');
  ledger.allow(key);
  using _key = load.addKey(key, service, ledger);
  await cluster.apply([preview]);
  const waited = await wait(key);
  expect(waited, waited.err).toMatchObject({ code: 0 });
  ledger.forbid('baseline');
  const liveSince = performance.now();
  for (const entry of entries.filter(({ way }) => way.includes(service))) {
    const { ask, judge, name } = keyed(entry, key, service, ledger);
    using client = new HttpClient(entry.port, 1, entry.address);
    const startedAt = performance.now();
    const reply = await client.ask(ask);
    const endedAt = performance.now();
    const told = { path: pathOf(reply), servedBy: undefined, reply, startedAt, endedAt };
    expect(judge(told), `the first request after wait, ${name}; ${waited.out} ${waited.err}`).toBeUndefined();
  }
  await until('it to have been there for a while', () => performance.now() - liveSince > stay);
  ledger.allow('baseline');
  await cluster.delete([preview]);
  const pods = async (): Promise<boolean> => (await cluster.pods(shop, `detour.dev/preview=${key}`)).length === 0;
  await until(`the pods of ${key} to be gone`, pods, 30_000);
}

function resourcesOf(pod: EnvoyPod): Promise<readonly string[]> {
  return envoyResources(cluster, pod, shop);
}

/** `+ NAME` for what there is now and was not, `- NAME` for what there was and is no more; how often counts too. */
function differenceOf(was: readonly string[], is: readonly string[]): readonly string[] {
  return [...new Set([...was, ...is])].flatMap((name) => {
    const more = is.filter((each) => each === name).length - was.filter((each) => each === name).length;
    return Array<string>(Math.abs(more)).fill(`${more > 0 ? '+' : '-'} ${name}`);
  });
}

async function nothingLeft(killed: readonly number[]): Promise<void> {
  const there = await envoys();
  // An intercept stays for 30 s after its last pod.
  await until(
    'every replica to have forgotten all previews',
    async () => {
      const counts = await Promise.all((await installation.replicas()).map((replica) => interceptsOf(replica)));
      return counts.length === 2 && counts.every((count) => count === 0);
    },
    60_000,
  );
  for (const [index, each] of there.entries())
    await until(
      `${each.join('/')} to hold what it held before`,
      async () => {
        const difference = differenceOf(before.envoys[index] ?? [], await resourcesOf(each));
        if (difference.length > 0) throw new Error(difference.join('\n'));
        return true;
      },
      20_000,
    );
  expect(await objectsLeft()).toEqual(before.objects);
  for (const id of killed) expect(() => process.kill(id, 0)).toThrow(/ESRCH/);
  for (const replica of await installation.replicas()) {
    const memory = /^process_resident_memory_bytes (\S+)$/m.exec(await answerOf(replica, '/metrics'))?.[1];
    expect(Number(memory)).toBeLessThan(200e6);
  }
}

async function interceptsOf(replica: PodObject): Promise<number> {
  const { intercepts } = JSON.parse(await answerOf(replica, `/api/intercepts?namespace=${shop}`)) as { intercepts: object[] };
  return intercepts.length;
}

async function answerOf(replica: PodObject, path: string): Promise<string> {
  const { namespace, name } = replica.metadata;
  await using forward = await cluster.portForward(namespace, name, 19_000);
  return (await fetch(`http://127.0.0.1:${forward.port}${path}`)).text();
}

/** What controllers and people made in the shop; Events aside, which the API server forgets by itself. */
async function objectsLeft(): Promise<readonly string[]> {
  const kinds = 'deployments,replicasets,pods,services,endpointslices,leases';
  const { stdout } = await cluster.kubectl(['-n', shop, 'get', kinds, '-o', 'name']);
  return stdout.split('\n').sort();
}

/** The same numbers every time (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
