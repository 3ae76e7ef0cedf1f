/** With 2,000 public hosts a new intercept costs a gateway one small RouteConfiguration, not all of them. */
import { expect, test } from 'vitest';
import { KEYS } from '../../src/translate/shards.ts';
import type { EnvoyProcess } from '../support/envoy.ts';
import { until } from '../support/until.ts';
import { ask, pathOf } from '../support/world/client.ts';
import { service } from '../support/world/objects.ts';
import { createWorld, NAMESPACE } from '../support/world/world.ts';

const HOSTS = 2_000;

/** How often each RouteConfiguration was taken over, by its name. */
async function routeUpdates(envoy: EnvoyProcess): Promise<Map<string, number>> {
  const text = await envoy.admin(`/stats?filter=${encodeURIComponent('\\.rds\\..*\\.update_success$')}`);
  const lines = text.split('\n').map((line) => /\.rds\.(.*)\.update_success: (\d+)$/.exec(line));
  return new Map(lines.filter((match) => match !== null).map(([, name = '', count]) => [name, Number(count)]));
}

test('one intercept among 2,000 hosts: one shard, the keys, a cluster and its endpoints, a few kilobytes', async () => {
  await using world = await createWorld();
  const hostOf = (index: number): string => `site-${index}.example.com`;
  const name = (index: number): string => `site-${index}`;
  const site = (index: number) =>
    service({ namespace: NAMESPACE, name: name(index), annotations: { 'detour.dev/host': hostOf(index) } });
  const documents = Array.from({ length: HOSTS }, (_, index) => JSON.stringify(site(index)));
  await world.manifests.write('sites.yaml', documents.join('\n---\n'));

  const baseline = await world.app({ service: name(7), copy: 'baseline' });
  const preview = await world.app({ service: name(7), copy: 'pr-42' });
  await world.endpoint({ namespace: NAMESPACE, service: name(7), name: 'site-7-1', port: baseline.port });
  const gateway = await world.gateway();
  const { envoy, port } = gateway;
  const what = { host: hostOf(7), headers: { 'x-detour': 'pr-42' } };
  await until('the baseline to answer', async () => pathOf(await ask(port, what)) === 'baseline', 60_000);
  await until('every shard to be there', async () =>
    (await envoy.admin('/config_dump?resource=dynamic_route_configs')).includes(hostOf(HOSTS - 1)),
  );

  const before = await routeUpdates(envoy);
  const bytesBefore = await envoy.stat('cluster.detour.upstream_cx_rx_bytes_total');
  const listenersBefore = await envoy.stat('listener_manager.lds.update_success');

  await world.preview({
    key: 'pr-42',
    pods: [{ namespace: NAMESPACE, service: name(7), name: 'site-7-pr-42', port: preview.port }],
  });
  await until('the preview to answer', async () => pathOf(await ask(port, what)) === 'pr-42');
  await until('its URL to live', async () => (await ask(port, { host: `pr-42--${hostOf(7)}` })).status === 200);

  const after = await routeUpdates(envoy);
  const changed = [...after].filter(([each, count]) => count !== (before.get(each) ?? 0)).map(([each]) => each);
  const shards = changed.filter((each) => each !== KEYS);
  expect(before.size, 'RouteConfigurations of 2,000 hosts').toBeGreaterThan(600);
  expect(shards, 'shards that changed').toHaveLength(1);
  expect(changed.length, 'RouteConfigurations that changed, with the keys').toBeLessThanOrEqual(2);
  expect(await envoy.stat('listener_manager.lds.update_success'), 'listener updates').toBe(listenersBefore);
  const bytes = (await envoy.stat('cluster.detour.upstream_cx_rx_bytes_total')) - bytesBefore;
  expect(bytes, 'bytes on the wire').toBeGreaterThan(0);
  expect(bytes, 'bytes on the wire').toBeLessThan(8_000);
}, 120_000);
