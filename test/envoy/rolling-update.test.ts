/**
 * A rolling update of the control plane: replicas are told to stop and started again, one after the other, while
 * previews come, move and go, under load. Not one request fails, and none reaches a copy that it should not.
 */
import { expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { ask, pathOf } from '../support/world/client.ts';
import { Ledger } from '../support/world/ledger.ts';
import { type LoadKind, startLoad } from '../support/world/load.ts';
import { HOST, openShop, type Shop } from '../support/world/shop.ts';
import type { Pod } from '../support/world/world.ts';

const SLOTS = ['slot-0', 'slot-1', 'slot-2'];
const REPLACEMENTS = 4;

test.each([
  ['delta', 'come, move and go'],
  // A whole state has no room for a cluster that is gone: its key is 503 on an Envoy that was between streams just then,
  // from the clusters that it gets until its routes.
  ['sotw', 'move'],
] as const)(
  'by %s, replicas replaced one after the other while previews %s: no failed request, none to a wrong copy',
  async (protocol, what) => {
    const goes = what !== 'move';
    await using shop = await openShop({ protocol, replicas: 2, serve: ['--drain-time', '1.5', '--log-level', 'info'] });
    const { world, gateway, frontend } = shop;
    const outbound = frontend.sidecar?.outbound ?? 0;
    const slots = await Promise.all(
      SLOTS.map(async (key) => {
        const copy = (letter: string) => world.pod({ service: 'api', copy: `${key}${letter}`, pod: `api-${key}${letter}` });
        return { key, copies: [await copy('a'), await copy('b')] as const, ledger: new Ledger() };
      }),
    );
    const kinds = (way: (copy: string) => string, request: LoadKind['ask']): LoadKind[] => [
      { name: 'no key', ask: request, judge: ({ path }) => (path === way('baseline') ? undefined : `went by ${path}`) },
      ...slots.map(({ key, ledger }) => ({
        name: key,
        ask: { ...request, headers: { baggage: `detour=${key}` } },
        judge: ({ path, startedAt, endedAt }: Parameters<LoadKind['judge']>[0]) =>
          ledger.judge(path.slice(path.lastIndexOf(' ') + 1), startedAt, endedAt),
      })),
    ];
    for (const { ledger } of slots) ledger.allow('baseline');
    await using throughGateway = startLoad({
      ...{ port: gateway.port, rate: 100, connections: 5 },
      kinds: kinds((copy) => `baseline > ${copy}`, { host: HOST, path: '/api/' }),
    });
    await using throughSidecar = startLoad({
      ...{ port: outbound, rate: 100, connections: 4 },
      kinds: kinds((copy) => copy, { host: 'api' }),
    });

    let updated = false;
    const changes = slots.map(async ({ key, copies, ledger }) => {
      const headers = { baggage: `detour=${key}` };
      const cycle = goes ? [...copies, undefined] : copies;
      for (let was = 'baseline', old: Pod | undefined, round = 0; !updated || round % cycle.length !== 0; round += 1) {
        const pod = cycle[round % cycle.length];
        const copy = pod?.copy ?? 'baseline';
        ledger.allow(copy);
        // Another Deployment after each end: the pods of the one that has expired are none of the next one's.
        const deployment = `api-${key}-${goes ? Math.floor(round / 3) : 0}`;
        if (pod !== undefined) await world.preview({ key, deployment, pods: [pod] });
        if (pod === undefined && old !== undefined)
          await world.preview({ key, deployment, pods: [old], annotations: { expires: '2026-01-01T00:00:00Z' } });
        else if (old !== undefined) await world.noPreview([old]);
        if (pod !== undefined && old !== undefined) await letGoOf(shop, old);
        const entries = [{ port: outbound }, ...shop.api];
        // One worker each: an Envoy that has let go of a copy never goes back to it.
        await until(
          `${key} to go to ${copy}`,
          async () => {
            const replies = await Promise.all(entries.map(({ port }) => ask(port, { host: 'api', headers })));
            return replies.every((reply) => pathOf(reply).endsWith(copy));
          },
          30_000,
        );
        ledger.forbid(was);
        await Promise.all([throughGateway.more(1), throughSidecar.more(1)]);
        if (pod === undefined && old !== undefined) await world.noPreview([old]);
        was = copy;
        old = pod;
      }
    });

    const envoys = await world.proxies();
    for (let index = 0; index < REPLACEMENTS; index += 1) {
      const plane = world.planes[index % 2];
      if (plane === undefined) throw new Error('two were asked for');
      await plane.kill('SIGTERM');
      await plane.start();
      await until('all Envoys to be served', async () => (await world.proxies()).join() === envoys.join(), 30_000);
    }
    updated = true;
    await Promise.all(changes);

    for (const [name, load] of [
      ['gateway', throughGateway],
      ['sidecar', throughSidecar],
    ] as const) {
      const report = await load.stop();
      expect(report.details, name).toEqual([]);
      expect(report.failures, name).toBe(0);
      for (const { key, copies } of slots)
        for (const { copy } of copies)
          expect(
            [...report.served].some(([way, count]) => way.startsWith(`${key}: `) && way.endsWith(copy) && count > 0),
            `${copy} through the ${name}`,
          ).toBe(true);
    }
    // Each replica let its Envoys go, and did not just die.
    for (const plane of world.planes)
      expect(plane.output.match(/"left":0,"msg":"Envoys have gone"/g)).toHaveLength(REPLACEMENTS / 2);
  },
  180_000,
);

/** Until no Envoy that may send requests to the pod knows it any more, wherever its stream was when the pod went. */
async function letGoOf({ world, frontend, api }: Shop, pod: Pod): Promise<void> {
  const deciders = [frontend, ...api];
  await world.letGo(
    deciders.flatMap(({ sidecar }) => sidecar ?? []),
    pod,
  );
  // Workers follow the main thread within a turn of their loop.
  await Promise.all(deciders.map(({ port, service }) => ask(port, { host: service })));
}
