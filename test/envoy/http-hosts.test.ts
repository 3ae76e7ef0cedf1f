/** Public hosts, preview URLs, their 404 page, and browsers' preflights, on a real gateway. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { answerOf, ask, pathOf, servedBy } from '../support/world/client.ts';
import { detour } from '../support/world/objects.ts';
import { HOST, openShop, type Shop } from '../support/world/shop.ts';

const ORIGIN = 'https://app.example.org';

describe('hosts of a gateway', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await openShop({ gateway: { previewDomain: 'preview.example.com', corsOrigins: [ORIGIN] } });
  });
  afterAll(() => shop[Symbol.asyncDispose]());

  test('a preview URL routes as if the request carried the key, and the hops behind know it', async () => {
    const { world } = shop;
    const pods = [await shop.copy('api', 'url')];
    await world.preview({ key: 'url', pods });
    const what = { host: `url--${HOST}`, path: '/api/identity/' };
    const reply = await shop.reaches('baseline > url > baseline', what);
    const frontend = answerOf(reply);
    expect(frontend.host, 'the app sees the host that was asked').toBe(`url--${HOST}`);
    expect(frontend.headers['baggage']).toMatch(/(^|,)\s*detour=url(,|$)/);
    expect(frontend.nextServedBy).toBe('url');
    // The key of the host beats header and baggage, replaces an older member and keeps the others.
    const both = await shop.ask({ ...what, headers: { 'x-detour': 'nobody', baggage: 'user=alice,detour=older,lang=en' } });
    expect(pathOf(both)).toBe('baseline > url > baseline');
    const members = String(answerOf(both).headers['baggage'])
      .split(',')
      .map((member) => member.trim());
    expect(members.toSorted()).toEqual(['detour=url', 'lang=en', 'user=alice']);
    // Ports and upper case are no matter.
    expect(pathOf(await shop.ask({ ...what, host: `URL--Shop.Example.com:8080` }))).toBe('baseline > url > baseline');
    await world.noPreview(pods);
  });

  test('a preview URL of a preview behind the host works for the host itself too', async () => {
    const { world } = shop;
    const pods = [await shop.copy('frontend', 'front')];
    await world.preview({ key: 'front', pods });
    const reply = await shop.reaches('front > baseline', { host: `front--${HOST}`, path: '/api/' });
    expect(servedBy(reply)).toBe('front');
    await world.noPreview(pods);
  });

  test('a key that no live preview has: a 404 page that says so and links to the host', async () => {
    const page = await shop.ask({ host: `nobody--${HOST}` });
    expect(page.status).toBe(404);
    expect(String(page.headers['content-type'])).toContain('text/html');
    expect(page.text).toContain('nobody');
    expect(page.text).toContain(`//${HOST}`);
    // No text of the client's gets into the page as markup.
    const hostile = await shop.ask({ host: `<b>x--${HOST}` }).catch(() => undefined);
    expect(hostile?.text ?? '').not.toContain('<b>x');
    // The key lives as long as its preview, ready or not.
    const pods = [await shop.copy('frontend', 'coming')];
    await shop.world.preview({ key: 'coming', pods, ready: false });
    await until('the URL to live', async () => (await shop.ask({ host: `coming--${HOST}` })).status === 200);
    await shop.world.noPreview(pods);
  });

  test('a host that nobody serves, and a key in a header that nobody has', async () => {
    expect((await shop.ask({ host: 'elsewhere.example.com' })).status).toBe(404);
    const reply = await shop.ask({ headers: { 'x-detour': 'nobody' } });
    expect([reply.status, pathOf(reply), servedBy(reply)]).toEqual([200, 'baseline', 'baseline']);
  });

  test('the preview domain leads straight to the copy', async () => {
    const { world } = shop;
    const pods = [await shop.copy('api', 'straight')];
    await world.preview({ key: 'straight', pods });
    const reply = await until('the address to live', async () => {
      const reply = await shop.ask({ host: 'straight--api.preview.example.com', path: '/identity/' });
      return reply.status === 200 ? reply : undefined;
    });
    expect([pathOf(reply), servedBy(reply)]).toEqual(['straight > baseline', 'straight']);
    expect((await shop.ask({ host: 'nobody--api.preview.example.com' })).status).toBe(404);
    await world.noPreview(pods);
  });

  test('paths of one host belong to several Services, whole segments only, the longest first', async () => {
    const { world } = shop;
    await world.baseline({ name: 'identity', annotations: detour({ host: `${HOST}/login` }) }, [shop.identity]);
    const reply = await until('the path to be served', async () => {
      const reply = await shop.ask({ path: '/login/form' });
      return answerOf(reply).service === 'identity' ? reply : undefined;
    });
    expect(answerOf(reply).path).toBe('/login/form');
    for (const [path, service] of [
      ['/login', 'identity'],
      ['/loginx', 'frontend'],
      ['/', 'frontend'],
    ] as const)
      expect([path, answerOf(await shop.ask({ path })).service]).toEqual([path, service]);
    const pods = [await shop.copy('identity', 'lp')];
    await world.preview({ key: 'lp', pods });
    await shop.reaches('lp', { host: `lp--${HOST}`, path: '/login/form' });
    expect(answerOf(await shop.ask({ host: `lp--${HOST}`, path: '/' }))).toMatchObject({ service: 'frontend', copy: 'baseline' });
    await world.noPreview(pods);
    await world.baseline({ name: 'identity' }, [shop.identity]);
  });

  test('the gateway answers preflights that ask for a carrier, and leaves the others to the app', async () => {
    const preflight = (wanted: string, origin = ORIGIN) =>
      shop.ask({
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': wanted },
      });
    const before = shop.frontend.app.requests;
    const answered = await preflight('content-type,x-detour');
    expect(answered.status).toBeLessThan(300);
    expect(shop.frontend.app.requests, 'the app was not asked').toBe(before);
    expect(answered.headers['access-control-allow-origin']).toBe(ORIGIN);
    expect(String(answered.headers['access-control-allow-headers']).toLowerCase()).toMatch(/x-detour/);
    expect((await preflight('baggage')).headers['access-control-allow-origin']).toBe(ORIGIN);
    expect(shop.frontend.app.requests).toBe(before);
    for (const [wanted, origin] of [
      ['content-type', ORIGIN],
      ['x-detour', 'https://evil.example.org'],
    ] as const) {
      const left = await preflight(wanted, origin);
      expect(left.headers['access-control-allow-origin'], `${wanted} from ${origin}`).toBeUndefined();
    }
    expect(shop.frontend.app.requests).toBeGreaterThan(before);
  });

  test('a request on another connection of the same client is not confused by the host before', async () => {
    const { world } = shop;
    const pods = [await shop.copy('frontend', 'mixed')];
    await world.preview({ key: 'mixed', pods });
    await shop.reaches('mixed', { host: `mixed--${HOST}` });
    const hosts = [HOST, `mixed--${HOST}`, `nobody--${HOST}`, 'elsewhere.example.com'];
    const replies = await Promise.all(
      Array.from({ length: 40 }, (_, index) => ask(shop.gateway.port, { host: hosts[index % 4] ?? HOST })),
    );
    const seen = replies.map((reply) => (reply.status === 200 ? pathOf(reply) : String(reply.status)));
    for (let index = 0; index < 40; index += 4) expect(seen.slice(index, index + 4)).toEqual(['baseline', 'mixed', '404', '404']);
    await world.noPreview(pods);
  });
});
