/**
 * Two control planes, real Envoys: one that moves from one to the other is not told what it knows.
 *
 * By delta it says which versions it has, of every resource; what it asks for as a whole is answered once, with nothing in
 * it. By State-of-the-World it says one version for all of a type: listeners, clusters and scoped routes are whole states,
 * and are not answered at all; of routes and endpoints it only names what it wants, and gets that.
 */
import { expect, test } from 'vitest';
import type { EnvoyProcess } from '../support/envoy.ts';
import { until } from '../support/until.ts';
import { openShop, type Shop } from '../support/world/shop.ts';

/** Counters of updates, `name value` each, of every subscription that Envoy has. */
async function counters(envoy: EnvoyProcess, name: string): Promise<readonly string[]> {
  const text = await envoy.admin(
    `/stats?filter=${encodeURIComponent(`(lds|cds|rds|srds|eds|http\\..*|cluster\\..*)\\.${name}$`)}`,
  );
  return text
    .split('\n')
    .filter((line) => line !== '')
    .toSorted();
}

/** All that came over xDS, with versions, and without the times at which it did. */
async function configuration(envoy: EnvoyProcess): Promise<unknown> {
  const { configs } = JSON.parse(await envoy.admin('/config_dump?include_eds'), (name, value) =>
    name === 'last_updated' ? undefined : value,
  );
  return configs.filter((config: { readonly '@type': string }) => !config['@type'].endsWith('.BootstrapConfigDump'));
}

const envoysOf = ({ gateway, frontend }: Shop): readonly EnvoyProcess[] => [
  gateway.envoy,
  ...(frontend.sidecar === undefined ? [] : [frontend.sidecar.envoy]),
];

test.each(['delta', 'sotw'] as const)(
  'by %s an Envoy that moves to another replica gets nothing again',
  async (protocol) => {
    await using shop = await openShop({ protocol, replicas: 2, serve: ['--drain-time', '1'] });
    const { world } = shop;
    const [first, second] = world.planes;
    if (first === undefined || second === undefined) throw new Error('two were asked for');
    const preview = await shop.copy('api', 'pr-1');
    await world.preview({ key: 'pr-1', pods: [preview] });
    await shop.reaches('baseline > pr-1', { path: '/api/', headers: { baggage: 'detour=pr-1' } });
    // All to the first one, and a second one that has met nobody yet.
    await second.kill();
    await until('all Envoys to be with the first', async () => (await world.proxies([first])).length === 6, 30_000);
    await second.start();
    expect(await world.proxies([second])).toEqual([]);
    await world.live('pr-1', ({ key }) => key === 'pr-1');

    const before = await Promise.all(envoysOf(shop).map(configuration));
    const rejected = await Promise.all(envoysOf(shop).map((envoy) => counters(envoy, 'update_rejected')));
    const updated = await Promise.all(envoysOf(shop).map((envoy) => counters(envoy, 'update_success')));
    await first.kill('SIGTERM');
    await until('all Envoys to be with the second', async () => (await world.proxies([second])).length === 6, 30_000);
    // The receipt is complete without a word: what they have is known from what they say.
    await world.live('pr-1', ({ key }) => key === 'pr-1');
    const sent = (await second.admin('/metrics')).split('\n').flatMap((line) => {
      const { type, count = '0' } =
        /^detour_xds_resources_sent_total\{type="(?<type>\w+)"\} (?<count>\d+)/.exec(line)?.groups ?? {};
      return type === undefined || count === '0' ? [] : [type];
    });
    expect(sent).toEqual(protocol === 'delta' ? [] : ['endpoints', 'route']);
    const after = await Promise.all(envoysOf(shop).map((envoy) => counters(envoy, 'update_success')));
    const moved = after.flatMap((lines, index) => lines.filter((line) => !updated[index]?.includes(line)));
    const wholes = moved.filter((line) =>
      /^(cluster_manager\.cds|listener_manager\.lds|.*\.scoped_rds\..*)\.update_success/.test(line),
    );
    expect(wholes).toHaveLength(protocol === 'delta' ? 5 : 0);
    if (protocol === 'delta') expect(moved).toEqual(wholes);
    expect(await Promise.all(envoysOf(shop).map(configuration))).toEqual(before);
    expect(await Promise.all(envoysOf(shop).map((envoy) => counters(envoy, 'update_rejected')))).toEqual(rejected);
  },
  90_000,
);
