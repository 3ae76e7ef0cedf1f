/** Who may intercept what, for how long, and what a leak does: as traffic shows it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { answerOf, ask, HttpClient, pathOf } from '../support/world/client.ts';
import { detour, endpointSlice } from '../support/world/objects.ts';
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

  test('whatever another namespace writes takes nothing, until it is let in', async () => {
    const { world } = shop;
    const evil = await world.pod({ service: 'api', copy: 'evil', pod: 'evil-1', namespace: 'mallory' });
    const annotations = { intercept: 'api, api.shop', match: 'x-user=alice' };
    await world.preview({ key: 'evil', pods: [evil], annotations });
    // The host and the preview URLs of others, and endpoints that are the pods of others.
    await world.baseline(
      { name: 'frontend', age: 100, annotations: detour({ host: `${HOST}, evil--${HOST}` }) },
      [evil],
      'mallory',
    );
    await world.baseline({ name: 'api', annotations: detour({ 'allow-match': '*' }) }, [], 'mallory');
    const [victim] = shop.api;
    const slice = endpointSlice({ namespace: 'mallory', service: 'api', pod: victim.name, port: victim.port });
    const endpoints = [{ addresses: ['127.0.0.1'], targetRef: { kind: 'Pod', namespace: 'shop', name: victim.name } }];
    await world.manifests.put({ ...slice, endpoints });
    await world.read();
    // What was read is live when what came after it is.
    const own = await shop.copy('frontend', 'after');
    await world.preview({ key: 'after', pods: [own] });
    await shop.reaches('after', { headers: { 'x-detour': 'after' } });

    const hostile = [{ 'x-detour': 'evil' }, { 'x-user': 'alice' }, { baggage: 'detour=evil' }];
    for (const headers of hostile) {
      expect(pathOf(await shop.ask({ path, headers }))).toBe('baseline > baseline');
      expect(pathOf(await shop.ask({ path, headers, host: `evil--${HOST}` }))).toBe('baseline > baseline');
      for (const host of ['api', 'api.shop', `127.0.0.1:${victim.port}`]) {
        expect(answerOf(await ask(victim.port, { host, headers })).copy, `${host} ${JSON.stringify(headers)}`).toBe('baseline');
      }
    }
    await world.preview({ key: 'evil', pods: [evil], annotations: { ...annotations, mode: 'mirror' } });
    await world.read();
    await shop.ask({ path, headers: { 'x-user': 'alice' } });
    expect(evil.app.requests).toBe(0);

    await world.preview({ key: 'evil', pods: [evil], annotations });
    await world.baseline({ name: 'api', annotations: detour({ 'allow-from': 'shop, mallory' }) }, []);
    await shop.reaches('baseline > evil', { path, headers: { baggage: 'detour=evil' } });
    const direct = { host: 'api.shop', headers: { 'x-user': 'alice' } };
    await until('the rule', async () => answerOf(await ask(victim.port, direct)).copy === 'evil');
    await world.baseline({ name: 'api' }, []);
    await world.noPreview([evil, own]);
    for (const name of ['api', 'frontend']) await world.manifests.remove('Service', 'mallory', name);
  });

  test('a rule on what all requests carry is not served', async () => {
    const { world } = shop;
    const pods = [await world.pod({ service: 'frontend', copy: 'wide', pod: 'wide-1' })];
    // Envoy itself writes these on each request.
    for (const match of ['x-forwarded-proto=http', 'x-request-id*=-4', 'x-forwarded-for^=127.']) {
      await world.preview({ key: 'wide', pods, annotations: { match } });
      await until(`${match} to be refused`, async () =>
        (await world.problems()).some(({ code, message }) => code === 'RuleTooBroad' && message.includes(match.slice(0, 17))),
      );
      await shop.reaches('baseline', {});
    }
    // They would take all: the Service's owner may say so.
    await world.baseline({ name: 'frontend', annotations: detour({ host: HOST, 'allow-match': 'x-forwarded-proto' }) }, []);
    await world.preview({ key: 'wide', pods, annotations: { match: 'x-forwarded-proto=http' } });
    await shop.reaches('wide', {});
    await world.noPreview(pods);
    await world.baseline({ name: 'frontend', annotations: detour({ host: HOST }) }, []);
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
