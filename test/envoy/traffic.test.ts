/**
 * The promise that everything else is for: a gateway and a sidecar under constant load, while previews come, change and
 * go 200 times, pods come and go, and the control plane is killed three times. Not one request fails, and none reaches a
 * copy that it should not.
 */
import { expect, test } from 'vitest';
import type { InterceptReport } from '../../src/admin/intercept-report.ts';
import { until } from '../support/until.ts';
import { ask, pathOf } from '../support/world/client.ts';
import { Ledger } from '../support/world/ledger.ts';
import { type LoadKind, startLoad } from '../support/world/load.ts';
import { HOST, openShop, type Shop } from '../support/world/shop.ts';
import type { Pod } from '../support/world/world.ts';

const SLOTS = 4;

/** One key, and what may serve it. Half of the slots stand in for `frontend`, half for `api`. */
interface Slot {
  readonly key: string;
  readonly service: 'frontend' | 'api';
  readonly copies: readonly Pod[];
  readonly ledger: Ledger;
  /** Index in `copies`; undefined: no preview. */
  serving: number | undefined;
  /**
   * How its preview ends: `gone`: the pod goes, and the intercept stays for a while, empty. `expired`: the intercept goes
   * at once, with its cluster.
   */
  readonly end: 'gone' | 'expired';
  /** Index in `copies` of what has expired, with its pod still there. */
  stale: number | undefined;
}

test.each([
  // When the control plane is killed: shares of the whole.
  ['delta', 200, [0.2, 0.5, 0.8]],
  ['sotw', 80, [0.5]],
] as const)(
  'by %s, %d changes, pods that come and go, kills at %j: no failed request, none to a wrong copy',
  async (protocol, changes, kills) => {
    await using shop = await openShop({ protocol });
    const { world, gateway, frontend } = shop;
    const outbound = frontend.sidecar?.outbound ?? 0;

    const slots: Slot[] = [];
    for (let index = 0; index < SLOTS; index++) {
      const service = index % 2 === 0 ? 'api' : 'frontend';
      const copy = (letter: string): Promise<Pod> =>
        // A preview of frontend has a sidecar to go on by; those of api end the way.
        world.pod({
          service,
          copy: `${index}${letter}`,
          pod: `${service}-${index}${letter}`,
          sidecar: service === 'frontend',
          calls: ['api'],
        });
      slots.push({
        key: `slot-${index}`,
        service,
        copies: [await copy('a'), await copy('b')],
        ledger: new Ledger(),
        serving: undefined,
        end: index < SLOTS / 2 ? 'gone' : 'expired',
        stale: undefined,
      });
    }
    for (const slot of slots) slot.ledger.allow(wayOf(slot, undefined));
    const steady = [await world.pod({ service: 'api', copy: 'steady', pod: 'api-steady' })];
    await world.preview({ key: 'steady', pods: steady });
    const steadily = { headers: { baggage: 'detour=steady' } };
    await shop.reaches('baseline > steady', { path: '/api/', ...steadily });
    await until('the preview to be live', async () => pathOf(await ask(outbound, { host: 'api', ...steadily })) === 'steady');

    const fixed = (name: string, way: string, what: LoadKind['ask']): LoadKind => ({
      name,
      ask: what,
      judge: ({ path }) => (path === way ? undefined : `went by ${path}`),
    });
    const throughGateway: LoadKind[] = [
      fixed('no key', 'baseline > baseline', { host: HOST, path: '/api/' }),
      fixed('steady', 'baseline > steady', { host: HOST, path: '/api/', ...steadily }),
      ...slots.map(({ key, ledger }) => ({
        name: key,
        ask: { host: HOST, path: '/api/', headers: { baggage: `user=1,detour=${key}` } },
        judge: ({ path, startedAt, endedAt }: Parameters<LoadKind['judge']>[0]) => ledger.judge(path, startedAt, endedAt),
      })),
    ];
    const throughSidecar: LoadKind[] = [
      fixed('no key', 'baseline', { host: 'api' }),
      fixed('steady', 'steady', { host: 'api.shop', ...steadily }),
      ...slots
        .filter((slot) => slot.service === 'api')
        .map(({ key, ledger }) => ({
          name: key,
          ask: { host: 'api', headers: { 'x-detour': key } },
          judge: ({ path, startedAt, endedAt }: Parameters<LoadKind['judge']>[0]) =>
            ledger.judge(`baseline > ${path}`, startedAt, endedAt),
        })),
    ];
    await using gatewayLoad = startLoad({ port: gateway.port, rate: 120, connections: 6, kinds: throughGateway });
    await using sidecarLoad = startLoad({ port: outbound, rate: 120, connections: 4, kinds: throughSidecar });

    const rounds = changes / SLOTS;
    for (let round = 0; round < rounds; round++) {
      const killed = kills.some((share) => Math.round(share * rounds) === round);
      const connected = killed ? await world.proxies() : [];
      if (killed) await world.plane.kill('SIGKILL');
      // Written while nobody reads it, when the control plane is dead.
      const settled = await Promise.all(slots.map((slot) => turn(shop, slot, round)));
      if (killed) {
        await world.plane.start();
        // A receipt knows only of Envoys that are connected.
        await until('all Envoys to have come back', async () => (await world.proxies()).join() === connected.join(), 60_000);
      }
      const pods = round % 5 === 2 ? baselinePodComesAndGoes(shop, slots, round) : undefined;
      await Promise.all([...settled.map((each) => each()), pods]);
      // However quick that was, it is seen from both sides.
      await Promise.all([gatewayLoad.more(1), sidecarLoad.more(1)]);
    }

    for (const [name, load] of [
      ['gateway', gatewayLoad],
      ['sidecar', sidecarLoad],
    ] as const) {
      const report = await load.stop();
      expect(report.details, name).toEqual([]);
      expect(report.failures, name).toBe(0);
      expect(report.requests, name).toBeGreaterThanOrEqual(SLOTS * rounds);
      // A listener that is changed drains its connections: none was.
      expect(report.connections, `connections to the ${name}`).toBe(name === 'gateway' ? 6 : 4);
      if (name === 'gateway')
        for (const slot of slots) {
          for (const serving of [undefined, 0, 1])
            expect(
              report.served.get(`${slot.key}: ${wayOf(slot, serving)}`) ?? 0,
              `${slot.key} by ${wayOf(slot, serving)}`,
            ).toBeGreaterThan(0);
        }
    }
  },
  180_000,
);

function wayOf(slot: Slot, serving: number | undefined): string {
  const copy = serving === undefined ? 'baseline' : (slot.copies[serving]?.copy ?? '');
  return slot.service === 'frontend' ? `${copy} > baseline` : `baseline > ${copy}`;
}

/** Adds, changes or removes the preview of a slot; the result waits until every Envoy has taken it over. */
async function turn(shop: Shop, slot: Slot, round: number): Promise<() => Promise<void>> {
  const { world, gateway, frontend } = shop;
  const was = slot.serving;
  // baseline → a → a with a rule → b → baseline
  const next = [0, 0, 1, undefined][round % 4];
  slot.serving = next;
  if (next !== was) slot.ledger.allow(wayOf(slot, next));
  const rule = `${slot.key}-${round}`;
  const pod = next === undefined ? undefined : slot.copies[next];
  const oldPod = was === undefined ? undefined : slot.copies[was];
  // Until it is gone, the pod that had expired is one more of the preview, which has a new annotation.
  const { stale } = slot;
  slot.stale = undefined;
  if (stale !== undefined) slot.ledger.allow(wayOf(slot, stale));
  if (pod !== undefined) await world.preview({ key: slot.key, pods: [pod], annotations: { match: `x-rule=${rule}` } });
  if (oldPod !== undefined && oldPod !== pod) {
    if (pod === undefined && slot.end === 'expired') {
      await world.preview({ key: slot.key, pods: [oldPod], annotations: { expires: '2026-01-01T00:00:00Z' } });
      slot.stale = was;
    } else await world.noPreview([oldPod]);
  }
  const stalePod = stale === undefined ? undefined : slot.copies[stale];
  if (stalePod !== undefined) await world.noPreview([stalePod]);
  const entries =
    slot.service === 'frontend'
      ? [
          { port: gateway.port, host: HOST },
          { port: frontend.port, host: 'frontend' },
        ]
      : [{ port: frontend.sidecar?.outbound ?? 0, host: 'api' }];
  const served = async (headers: Record<string, string>): Promise<string[]> => {
    const replies = await Promise.all(entries.map(({ port, host }) => ask(port, { host, headers })));
    return replies.map((reply) => pathOf(reply));
  };
  const byKey = { 'x-detour': slot.key };
  return async () => {
    if (pod === undefined) {
      // There is no receipt for what is gone. One worker each: an Envoy that has let go of it never goes back.
      await until(`${slot.key} to be gone`, async () => (await served(byKey)).every((copy) => copy === 'baseline'), 30_000);
    } else {
      const address = `127.0.0.1:${pod.port}`;
      const isNew = ({ key, endpoints, match }: InterceptReport): boolean =>
        key === slot.key && endpoints.join() === address && match?.includes(rule) === true;
      await world.live(`round ${round}, ${slot.key} to ${pod.copy}`, isNew, 30_000);
      // The receipt has been given: from now on every request goes by it.
      const expected = entries.map(() => pod.copy);
      expect([rule, await served(byKey), await served({ 'x-rule': rule })]).toEqual([rule, expected, expected]);
    }
    if (next !== was) slot.ledger.forbid(wayOf(slot, was));
    if (stale !== undefined) slot.ledger.forbid(wayOf(slot, stale));
  };
}

/** A third pod of api joins, serves, and leaves as pods do: first terminating, then gone. */
async function baselinePodComesAndGoes(shop: Shop, slots: readonly Slot[], round: number): Promise<void> {
  const { world, frontend } = shop;
  const pod = await world.pod({ service: 'api', copy: 'baseline', pod: `api-extra-${round}` });
  await world.endpoint(pod);
  await until('the new pod to serve', () => pod.app.requests > 0);
  await world.endpoint(pod, 'api', { ready: true, terminating: true });
  // Those of previews call api too, and may be a little behind: their own scope changes when their preview does.
  const sidecars = [frontend, ...slots.flatMap(({ copies }) => copies)].flatMap(({ sidecar }) => sidecar ?? []);
  await world.letGo([shop.gateway, ...sidecars], pod);
  // Workers follow the main thread within a turn of their loop.
  await Promise.all(sidecars.map(({ outbound }) => ask(outbound, { host: 'api' })));
  await world.noEndpoint(pod);
  await pod.app.drain();
}
