/** Rules, percent and mirrors, decided once on the whole way of a request. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { type Ask, answerOf, ask, pathOf, type Reply, servedBy } from '../support/world/client.ts';
import { HOST, openShop, type Shop } from '../support/world/shop.ts';
import type { Pod } from '../support/world/world.ts';

describe('rules, percent and mirrors', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await openShop();
  });
  afterAll(() => shop[Symbol.asyncDispose]());

  async function many(count: number, what: Ask, port = shop.gateway.port): Promise<Reply[]> {
    const replies: Reply[] = [];
    for (let left = count; left > 0; left -= 25)
      replies.push(...(await Promise.all(Array.from({ length: Math.min(25, left) }, () => ask(port, { host: HOST, ...what })))));
    return replies;
  }

  /** A last request that is mirrored: once it is there, so are those before it. */
  async function arrives(pods: readonly Pod[], path: string): Promise<void> {
    await shop.ask({ path, headers: { 'x-copy': 'yes' } });
    await until(`the copy of ${path}`, () => pods.some((each) => each.app.asked.some((asked) => asked.path === path)));
  }

  /** Bounds that a fair 30 % of 600 leaves about once in a million runs: 180 ± 5 · 11.2. */
  const isThirtyPercentOf600 = (count: number): boolean => count > 124 && count < 236;

  test('a rule takes who matches it, the key takes who names it, nobody else goes there', async () => {
    const { world } = shop;
    const pods = [await shop.copy('frontend', 'ruled')];
    await world.preview({ key: 'ruled', pods, annotations: { match: 'x-user=alice,x-team^=pay\nbaggage[user]="b,ob"' } });
    const cases: [string, Ask['headers']][] = [
      ['ruled', { 'x-detour': 'ruled' }],
      ['ruled', { baggage: 'detour=ruled' }],
      ['ruled', { tracestate: 'other=1,detour=ruled' }],
      ['ruled', { 'x-user': 'alice', 'x-team': 'payments' }],
      ['ruled', { baggage: 'a=1, user = b%2Cob;p=1 ,c=2' }],
      ['baseline', { 'x-user': 'alice' }],
      ['baseline', { 'x-user': 'alice', 'x-team': 'no-pay' }],
      ['baseline', { baggage: 'user=bob' }],
      ['baseline', { baggage: 'xuser=b%2Cob' }],
      ['baseline', { 'x-detour-baggage-user': 'b,ob' }],
      ['baseline', { 'x-detour': 'ruled-1' }],
      ['baseline', { 'x-detour': 'nobody' }],
      ['baseline', {}],
    ];
    await shop.reaches('ruled', { headers: { 'x-detour': 'ruled' } });
    await shop.reaches('ruled', { headers: { 'x-user': 'alice', 'x-team': 'payments' } });
    for (const [copy, headers = {}] of cases) {
      const reply = await shop.ask({ headers });
      expect([reply.status, pathOf(reply), JSON.stringify(headers)]).toEqual([200, copy, JSON.stringify(headers)]);
    }
    await world.noPreview(pods);
  });

  test('percent takes its share at the gateway, and once: the sidecar behind does not draw again', async () => {
    const { world } = shop;
    const pods = [await shop.copy('frontend', 'share')];
    await world.preview({ key: 'share', pods, annotations: { percent: '30' } });
    const keyed = { headers: { 'x-detour': 'share' } };
    await until('the share to be live', async () => (await many(20, keyed)).some((reply) => pathOf(reply) === 'share'));
    const replies = await many(600, keyed);
    expect(new Set(replies.map((reply) => reply.status))).toEqual(new Set([200]));
    const preview = replies.filter((reply) => pathOf(reply) === 'share');
    expect(preview.length, 'of 600 to the preview').toSatisfy(isThirtyPercentOf600);
    for (const reply of replies) expect(servedBy(reply)).toBe(pathOf(reply) === 'share' ? 'share' : 'baseline');
    // Past the gateway, the inbound sidecar decides for itself, once as well.
    const inside = await many(600, { ...keyed, host: 'frontend' }, shop.frontend.port);
    expect(inside.filter((reply) => pathOf(reply) === 'share').length, 'of 600 to the preview').toSatisfy(isThirtyPercentOf600);
    await world.noPreview(pods);
  });

  test('percent once from sidecar to sidecar', async () => {
    const { world } = shop;
    const pods = [await shop.copy('api', 'inner-share')];
    await world.preview({ key: 'inner-share', pods, annotations: { percent: '30' } });
    const keyed = { path: '/api/', headers: { baggage: 'detour=inner-share' } };
    const isPreview = (reply: Reply): boolean => pathOf(reply) === 'baseline > inner-share';
    await until('the share to be live', async () => (await many(20, keyed)).some(isPreview));
    expect((await many(600, keyed)).filter(isPreview).length, 'of 600 to the preview').toSatisfy(isThirtyPercentOf600);
    await world.noPreview(pods);
  });

  test('a client cannot claim that a hop before the gateway has decided', async () => {
    const { world } = shop;
    const pods = [await shop.copy('frontend', 'claim')];
    await world.preview({ key: 'claim', pods });
    await shop.reaches('claim', { headers: { 'x-detour': 'claim' } });
    const reply = await shop.ask({ headers: { 'x-detour': 'claim', 'x-detour-decided': 'shop/frontend:80' } });
    expect([pathOf(reply), servedBy(reply)]).toEqual(['claim', 'claim']);
    await world.noPreview(pods);
  });

  test('a mirror gets one copy of a request with its body and host; the baseline answers', async () => {
    const { world } = shop;
    const pods = [await shop.copy('frontend', 'mirror')];
    const app = pods[0]?.app;
    await world.preview({ key: 'mirror', pods, annotations: { mode: 'mirror', match: 'x-copy=yes' } });
    const matching = { method: 'POST', path: '/orders', headers: { 'x-copy': 'yes' }, body: 'one order' };
    await until('the mirror to be live', async () => {
      expect(pathOf(await shop.ask({ headers: { 'x-detour': 'mirror' } }))).toBe('baseline');
      return (app?.requests ?? 0) > 0;
    });
    const replies = await many(20, matching);
    for (const reply of replies) expect([reply.status, pathOf(reply)]).toEqual([200, 'baseline']);
    await shop.ask({ method: 'POST', path: '/orders', body: 'not for the copy' });
    const ordersOf = () => app?.asked.filter((each) => each.path === '/orders') ?? [];
    // Nobody waits for a copy: it comes when it comes.
    await until('all copies', () => ordersOf().length >= 20);
    await arrives(pods, '/after-orders');
    const copies = ordersOf();
    expect(copies).toHaveLength(20);
    expect(new Set(copies.map(({ method, host, bytes }) => `${method} ${host} ${bytes}`))).toEqual(new Set([`POST ${HOST} 9`]));
    // A mirror that dies is nobody's business.
    await app?.die();
    expect(new Set((await many(20, matching)).map((reply) => reply.status))).toEqual(new Set([200]));
    await world.noPreview(pods);
  });

  test('a mirror and a preview of the same port: a request that goes to the preview is not copied', async () => {
    const { world } = shop;
    const mirror = [await shop.copy('frontend', 'copied')];
    const pods = [await shop.copy('frontend', 'routed')];
    await world.preview({ key: 'copied', pods: mirror, annotations: { mode: 'mirror', match: 'x-copy=yes' } });
    await world.preview({ key: 'routed', pods });
    await until('the mirror to be live', async () => {
      await shop.ask({ headers: { 'x-copy': 'yes' } });
      return mirror[0]?.app.asked.some((each) => each.headers['x-copy'] === 'yes');
    });
    await shop.reaches('routed', { path: '/warm', headers: { 'x-copy': 'yes', 'x-detour': 'routed' } });
    const replies = await many(20, { path: '/routed', headers: { 'x-copy': 'yes', 'x-detour': 'routed' } });
    expect(new Set(replies.map((reply) => answerOf(reply).copy))).toEqual(new Set(['routed']));
    await arrives(mirror, '/after-routed');
    expect(mirror[0]?.app.asked.filter((each) => each.path === '/routed')).toEqual([]);
    await world.noPreview([...mirror, ...pods]);
  });
});
