/** Envoys with listeners of their own, started from the examples in envoy/ as docs/bring-your-own-envoy.md has them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { isFields } from '../../src/model/field-reader.ts';
import { type EnvoyProcess, startEnvoy } from '../support/envoy.ts';
import { freePorts } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { answerOf, ask, pathOf, servedBy } from '../support/world/client.ts';
import { detour } from '../support/world/objects.ts';
import { createWorld, NAMESPACE, type Pod, type World } from '../support/world/world.ts';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detour-own-'));
  // The files that the page makes, as it makes them.
  const page = read('docs/bring-your-own-envoy.md');
  const made = [...page.matchAll(/<<'SETTINGS'\n(?<settings>.*\n)SETTINGS\n {2}cat (?<lua>\S+); } > (?<file>\S+)/g)];
  expect(made.map(({ groups }) => groups?.['file'])).toEqual(['detour-outbound.lua', 'detour-gateway.lua']);
  for (const { groups } of made)
    writeFileSync(join(folder, groups?.['file'] ?? ''), `${groups?.['settings']}${read(groups?.['lua'] ?? '')}`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Changes {
  /** By those of the example. */
  readonly ports: Readonly<Record<number, number>>;
  readonly name?: string;
  readonly withoutLua?: boolean;
}

/** The example, with addresses of this machine. */
async function start(world: World, example: string, { ports, name, withoutLua = false }: Changes): Promise<EnvoyProcess> {
  const config: object = parse(read(example), (key: unknown, value: unknown) => {
    if (key === 'filename') return String(value).replace('/etc/envoy', folder);
    if (key === 'id' && name !== undefined) return String(value).replace(/[^/]*$/, name);
    if (key === 'http_filters' && withoutLua && Array.isArray(value))
      return value.filter((filter) => isFields(filter) && filter['name'] !== 'envoy.filters.http.lua');
    if (key !== 'socket_address' || !isFields(value)) return value;
    if (value['address'] === 'detour.detour-system') return { address: '127.0.0.1', port_value: world.plane.xdsPort };
    const port = Number(value['port_value']);
    return { address: '127.0.0.1', port_value: ports[port] ?? port };
  });
  const envoy = world.use(await startEnvoy({ config }));
  await until('Envoy to have its first configuration', async () => (await envoy.admin('/ready')).startsWith('LIVE'));
  return envoy;
}

async function shop(world: World): Promise<{ readonly baseline: Pod; readonly copy: Pod }> {
  const [baseline, copy] = await Promise.all([
    world.pod({ service: 'api', copy: 'baseline', pod: 'api-1' }),
    world.pod({ service: 'api', copy: 'pr-1', pod: 'api-pr-1' }),
  ]);
  await world.baseline({ name: 'api', annotations: detour({ host: 'api.example.com' }) }, [baseline]);
  return { baseline, copy };
}

const isLive = ({ key }: { readonly key: string }): boolean => key === 'pr-1';

test('an Envoy inside the cluster has its own listeners, and routes, clusters and endpoints by name', async () => {
  await using world = await createWorld();
  const { copy } = await shop(world);
  const [port = 0, reports = 0] = await freePorts(2);
  const envoy = await start(world, 'envoy/own-listeners.yaml', { ports: { 8080: port, 8081: reports } });
  const through = (headers: Readonly<Record<string, string>> = {}, host = 'api.shop') => ask(port, { host, headers });
  await until('the routes', async () => (await through()).status === 200);
  expect(await world.proxies()).toEqual([`sidecar~${NAMESPACE}/edge-0`]);
  expect(pathOf(await through({ 'x-detour': 'pr-1' }))).toBe('baseline');
  expect(pathOf(await ask(reports))).toBe('baseline');

  await world.preview({ key: 'pr-1', pods: [copy], annotations: { match: 'x-user=ann\nbaggage[user]=bob' } });
  await world.live('pr-1', isLive);
  const ways: Readonly<Record<string, string>>[] = [
    { 'x-detour': 'pr-1' },
    { baggage: 'a=b, detour=pr-1' },
    { tracestate: 'detour=pr-1' },
    { 'x-user': 'ann' },
    { baggage: 'user=bob' },
  ];
  for (const headers of ways) {
    const reply = await through(headers);
    expect([headers, pathOf(reply), servedBy(reply), reply.headers['x-edge']]).toEqual([headers, 'pr-1', 'pr-1', 'ours']);
  }
  for (const headers of [{}, { 'x-detour': 'pr-2' }, { 'x-user': 'eve' }] as Readonly<Record<string, string>>[])
    expect(pathOf(await through(headers))).toBe('baseline');
  expect((await through({}, 'elsewhere.example.com')).status).toBe(404);
  // A cluster of its own knows endpoints, and nothing of keys.
  const [other] = [await world.pod({ service: 'api', copy: 'second', pod: 'api-2' })];
  await world.endpoint(other);
  await until('the endpoint that came', async () => pathOf(await ask(reports, { headers: { 'x-detour': 'pr-1' } })) === 'second');

  const [bare = 0, bareReports = 0] = await freePorts(2);
  const ports = { 8080: bare, 8081: bareReports };
  await start(world, 'envoy/own-listeners.yaml', { ports, name: 'edge-1', withoutLua: true });
  const withoutLua = async (headers: Readonly<Record<string, string>>) => pathOf(await ask(bare, { host: 'api.shop', headers }));
  await until('the routes', async () => (await withoutLua({ 'x-detour': 'pr-1' })) === 'pr-1');
  expect(await withoutLua({ 'x-user': 'ann' })).toBe('pr-1');
  for (const baggage of ['detour=pr-1', 'user=bob']) expect(await withoutLua({ baggage })).not.toBe('pr-1');

  await world.noPreview([copy]);
  // It is kept for 30 s, without a pod: the baseline answers.
  await until('the baseline', async () => pathOf(await through({ 'x-detour': 'pr-1' })) !== 'pr-1');
  // Nobody asked for listeners.
  expect(await envoy.admin('/stats?filter=listener_manager.lds')).toBe('');
  expect(await envoy.stat('cluster_manager.cds.update_rejected')).toBe(0);
}, 60_000);

test('a gateway of its own has hosts and preview URLs from Detour, and its listener by itself', async () => {
  await using world = await createWorld();
  const { copy } = await shop(world);
  const [port = 0] = await freePorts(1);
  const envoy = await start(world, 'envoy/own-gateway.yaml', { ports: { 8080: port } });
  const through = (host: string, headers: Readonly<Record<string, string>> = {}) => ask(port, { host, headers });
  await until('the routes', async () => (await through('api.example.com')).status === 200);
  expect(await world.proxies()).toEqual([`gateway~${NAMESPACE}/edge`]);

  await world.preview({ key: 'pr-1', pods: [copy] });
  await world.live('pr-1', isLive);
  expect(pathOf(await through('api.example.com'))).toBe('baseline');
  expect(pathOf(await through('api.example.com', { baggage: 'detour=pr-1' }))).toBe('pr-1');
  const preview = await through('pr-1--api.example.com', { 'x-detour-shard': '7', 'x-detour-decided': 'shop/api:80' });
  expect([pathOf(preview), servedBy(preview), preview.headers['x-edge']]).toEqual(['pr-1', 'pr-1', 'ours']);
  // The app sees the host that was asked, and the mark of this hop.
  expect(answerOf(preview).headers).toMatchObject({
    host: 'pr-1--api.example.com',
    'x-detour': 'pr-1',
    'x-detour-decided': 'shop/api:80',
  });
  const unknown = await through('pr-9--api.example.com');
  expect([unknown.status, unknown.text.includes('pr-9')]).toEqual([404, true]);
  expect(await envoy.admin('/stats?filter=listener_manager.lds')).toBe('');
}, 60_000);
