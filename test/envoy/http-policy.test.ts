/** Who may intercept what, for how long, and what a leak does: as traffic shows it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { answerOf, ask, HttpClient, pathOf } from '../support/world/client.ts';
import { detour } from '../support/world/objects.ts';
import { HOST, openShop, type Shop } from '../support/world/shop.ts';
import type { Pod } from '../support/world/world.ts';

describe('policies, expiry and leaks', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await openShop();
  });
  afterAll(() => shop[Symbol.asyncDispose]());

  const path = '/api/';

  test('a preview of another namespace intercepts only a Service that allows it', async () => {
    const { world } = shop;
    const pods = [await world.pod({ service: 'api', copy: 'guest', pod: 'guest-1', namespace: 'team-a' })];
    const keyed = { path, headers: { baggage: 'detour=guest' } };
    await world.preview({ key: 'guest', pods, annotations: { intercept: 'api.shop' } });
    await world.baseline({ name: 'api', annotations: detour({ 'allow-from': 'team-*' }) }, []);
    await shop.reaches('baseline > guest', keyed);
    await world.baseline({ name: 'api', annotations: detour({ 'allow-from': 'none' }) }, []);
    await shop.reaches('baseline > baseline', keyed);
    await world.baseline({ name: 'api', annotations: detour({ 'allow-from': 'shop, team-a' }) }, []);
    await shop.reaches('baseline > guest', keyed);
    // Unless told, a Service's own namespace only.
    await world.baseline({ name: 'api' }, []);
    await shop.reaches('baseline > baseline', keyed);
    await world.noPreview(pods);
  });

  test('a rule looks at allowed headers only; modes that are not allowed are not served', async () => {
    const { world } = shop;
    const pods = [await world.pod({ service: 'frontend', copy: 'picky', pod: 'picky-1' })];
    const host = { name: 'frontend' };
    const allow = (annotations: Record<string, string>): Promise<void> =>
      world.baseline({ ...host, annotations: detour({ host: HOST, ...annotations }) }, []);
    const agent = { headers: { 'user-agent': 'curl' } };
    await world.preview({ key: 'picky', pods, annotations: { match: 'user-agent=curl' } });
    await allow({ 'allow-match': 'user-agent' });
    await shop.reaches('picky', agent);
    await allow({});
    await shop.reaches('baseline', agent);
    await allow({ 'allow-match': '*' });
    await world.preview({ key: 'picky', pods, annotations: { match: '!x-nothing' } });
    await shop.reaches('picky', {});
    await allow({ 'allow-match': 'x-*' });
    await shop.reaches('baseline', {});
    await world.preview({ key: 'picky', pods, annotations: { percent: '100', match: 'x-user=alice' } });
    await shop.reaches('picky', { headers: { 'x-user': 'alice' } });
    await allow({ 'allow-modes': 'mirror' });
    await shop.reaches('baseline', { headers: { 'x-user': 'alice' } });
    await allow({});
    await world.noPreview(pods);
  });

  test('an intercept ends at its instant, to the second, under requests and with no other event', async () => {
    const { world } = shop;
    const pods = [await world.pod({ service: 'frontend', copy: 'brief', pod: 'brief-1' })];
    // A whole second, as people write it, at least two from now.
    const expiry = Math.ceil((Date.now() + 2_500) / 1000) * 1000;
    await world.preview({ key: 'brief', pods, annotations: { expires: new Date(expiry).toISOString().replace('.000', '') } });
    const keyed = { headers: { 'x-detour': 'brief' } };
    await shop.reaches('brief', keyed);
    using client = new HttpClient(shop.gateway.port);
    const seen: { readonly at: number; readonly status: number; readonly copy: string }[] = [];
    await until('the baseline after the expiry', async () => {
      const reply = await client.ask({ host: HOST, ...keyed });
      seen.push({ at: Date.now() - expiry, status: reply.status, copy: pathOf(reply) });
      return seen.at(-1)?.copy === 'baseline' && Date.now() > expiry + 500;
    });
    expect(new Set(seen.map((each) => each.status))).toEqual(new Set([200]));
    const last = seen.findLast((each) => each.copy === 'brief');
    const first = seen.find((each) => each.copy === 'baseline');
    expect(last?.at ?? Number.NaN, 'last request to the preview, ms after its expiry').toBeLessThan(1000);
    expect(first?.at ?? Number.NaN, 'first request to the baseline').toBeGreaterThanOrEqual(0);
    await world.noPreview(pods);
  });

  test('a preview that its Service selects as well gets no request of others, but its own', async () => {
    const { world } = shop;
    const pods: [Pod] = [await shop.copy('api', 'leaked')];
    await world.endpoint(pods[0], 'api');
    // A selector's mistake shows as traffic to the preview as long as it is an ordinary pod.
    await until('the leak', async () => pathOf(await shop.ask({ path })) === 'baseline > leaked');
    await world.preview({ key: 'leaked', pods });
    const keyed = { path, headers: { baggage: 'detour=leaked' } };
    await shop.reaches('baseline > leaked', keyed);
    const others = async (count: number): Promise<Set<string>> => {
      const replies = await Promise.all(Array.from({ length: count }, () => shop.ask({ path })));
      return new Set(replies.map((reply) => pathOf(reply)));
    };
    await until('the leak to close', async () => !(await others(20)).has('baseline > leaked'));
    expect(await others(100)).toEqual(new Set(['baseline > baseline']));
    // Whoever comes to the pod past all Envoys, by a name of the Service, is sent on; by its own address it stays.
    const headers = { host: `127.0.0.1:${pods[0].port}` };
    const byName = await ask(pods[0].port, { host: 'api' });
    expect(answerOf(byName).copy).toBe('baseline');
    expect(answerOf(await ask(pods[0].port, { headers })).copy).toBe('leaked');
    expect(answerOf(await ask(pods[0].port, { host: 'api', headers: { baggage: 'detour=leaked' } })).copy).toBe('leaked');
    await world.noEndpoint(pods[0], 'api');
    await world.noPreview(pods);
  });

  test('two previews with one key: the same one serves, whichever came first, and the other takes over', async () => {
    const { world } = shop;
    const [first, second] = [
      await world.pod({ service: 'frontend', copy: 'twin-a', pod: 'twin-a' }),
      await world.pod({ service: 'frontend', copy: 'twin-b', pod: 'twin-b' }),
    ];
    // Two Deployments: their names decide, not their age.
    const announce = (of: Pod, more: Record<string, string> = {}): Promise<void> => {
      const annotations = { match: `x-user=${of.name}`, ...more };
      return world.preview({ key: 'twin', pods: [of], deployment: `frontend-${of.name}`, annotations });
    };
    const keyed = { headers: { 'x-detour': 'twin' } };
    await announce(second);
    await shop.reaches('twin-b', keyed);
    await announce(first);
    await shop.reaches('twin-a', keyed);
    // The loser serves neither by key nor by rule.
    await shop.reaches('baseline', { headers: { 'x-user': 'twin-b' } });
    await announce(first, { expires: '2026-01-01T00:00:00Z' });
    await shop.reaches('twin-b', keyed);
    await world.noPreview([first, second]);
  });
});
