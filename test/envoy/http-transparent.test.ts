/** A request that nobody detours is what it would be without Detour: what sidecars and gateways add is listed here. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { type Ask, answerOf, ask, pathOf, type Reply } from '../support/world/client.ts';
import { HOST, openShop, type Shop } from '../support/world/shop.ts';

describe('requests that nobody detours', () => {
  let shop: Shop;
  /** Straight to the app, in by a sidecar, and out by one and in by the next. */
  let direct: number;
  let sidecars: readonly [string, number][];
  beforeAll(async () => {
    shop = await openShop();
    const [pod] = shop.api;
    direct = pod.app.port;
    sidecars = [
      ['inbound', pod.port],
      ['outbound and inbound', shop.frontend.sidecar?.outbound ?? 0],
    ];
    // With a preview beside, so that there are routes to choose from.
    const pods = [await shop.copy('api', 'beside')];
    await shop.world.preview({ key: 'beside', pods, annotations: { match: 'x-user=alice\nbaggage[user]=alice' } });
    for (const [, port] of sidecars)
      await until(
        'the preview to be live',
        async () => pathOf(await ask(port, { host: 'api', headers: { 'x-user': 'alice' } })) === 'beside',
      );
  });
  afterAll(() => shop[Symbol.asyncDispose]());

  /** Without what belongs to one connection, or to one moment. */
  function lasting(headers: Reply['headers']): Record<string, unknown> {
    const own = new Set(['connection', 'keep-alive', 'date', 'transfer-encoding', 'content-length']);
    return Object.fromEntries(Object.entries(headers).filter(([name]) => !own.has(name)));
  }

  const HEADERS = {
    'user-agent': 'test/1.0',
    cookie: 'a=b; c=d',
    baggage: 'user=bob,lang=en;p=1',
    tracestate: 'x=1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'x-forwarded-for': '192.0.2.1',
    'x-request-id': 'mine',
    'x-empty': '',
    accept: ['a/b', 'c/d'],
  };

  test('sidecars add x-forwarded-proto to the request where it is not there, and nothing to the reply', async () => {
    const plain = await ask(direct, { host: 'api', headers: HEADERS });
    for (const [way, port] of sidecars) {
      for (const proto of [{}, { 'x-forwarded-proto': 'https' }]) {
        const reply = await ask(port, { host: 'api', headers: { ...HEADERS, ...proto } });
        expect(lasting(reply.headers), way).toEqual(lasting(plain.headers));
        const expected = { ...lasting(answerOf(plain).headers), accept: 'a/b,c/d', 'x-forwarded-proto': 'http', ...proto };
        const seen = lasting(answerOf(reply).headers);
        expect({ ...seen, accept: String(seen['accept']).replaceAll(' ', '') }, way).toEqual(expected);
      }
    }
  });

  test('a gateway adds what is usual at an edge, and nothing to the reply', async () => {
    const plain = await ask(shop.frontend.app.port, { host: HOST, headers: { 'user-agent': 'test/1.0' } });
    const reply = await shop.ask({ headers: { 'user-agent': 'test/1.0' } });
    expect(lasting(reply.headers)).toEqual(lasting(plain.headers));
    const added = Object.keys(answerOf(reply).headers).filter((name) => !(name in answerOf(plain).headers));
    expect(added.toSorted()).toEqual(['x-envoy-external-address', 'x-forwarded-for', 'x-forwarded-proto', 'x-request-id']);
  });

  test('headers that are said between Envoys reach no app, whoever sent them', async () => {
    const inside = { 'x-detour-shard': '7', 'x-detour-decided': 'shop/api:80', 'x-detour-baggage-user': 'alice' };
    for (const [port, host] of [...sidecars.map(([, port]) => [port, 'api'] as const), [shop.gateway.port, HOST] as const]) {
      const answer = answerOf(await ask(port, { host, path: '/identity/', headers: inside }));
      expect(answer.copy, host).toBe('baseline');
      expect(
        Object.keys(answer.headers).filter((name) => name in inside && name !== 'x-detour-baggage-user'),
        host,
      ).toEqual([]);
      expect(answer.next?.headers['x-detour-decided'], host).toBeUndefined();
    }
  });

  test('paths, methods and statuses are passed on as they are', async () => {
    const asks: Ask[] = [
      ...['//x//y', '/a/../b', '/%2e%2e/x', '/a%2Fb', '/?q=%zz', '/%C3%BC', '/a;b=c?d=/&&=', '/*'].map((path) => ({ path })),
      ...['HEAD', 'DELETE', 'OPTIONS', 'PATCH', 'PURGE', 'PROPFIND'].map((method) => ({ method })),
      ...[201, 204, 304, 404, 418, 429, 500, 502, 503, 504].map((code) => ({ path: `/?code=${code}` })),
      { method: 'POST', body: 'abc', headers: { expect: '100-continue' } },
      { method: 'DELETE', body: 'with a body', headers: { 'content-length': '11' } },
      { method: 'OPTIONS', headers: { origin: 'https://x.example', 'access-control-request-method': 'GET' } },
    ];
    const told = (reply: Reply): unknown => {
      const { method, path, bytes } = reply.text === '' ? {} : (JSON.parse(reply.text) as Partial<ReturnType<typeof answerOf>>);
      return { status: reply.status, method, path, bytes };
    };
    for (const each of asks) {
      const expected = told(await ask(direct, { host: 'api', ...each }));
      for (const [way, port] of sidecars)
        expect({ way, ...each, told: told(await ask(port, { host: 'api', ...each })) }).toEqual({ way, ...each, told: expected });
    }
  });

  test('many and large headers that the app takes are taken', async () => {
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`x-many-${index}`, 'x']));
    for (const [way, port] of sidecars) {
      expect((await ask(port, { host: 'api', headers: { 'x-large': 'x'.repeat(14_000) } })).status, way).toBe(200);
      const reply = await ask(port, { host: 'api', headers: many });
      expect(
        Object.keys(answerOf(reply).headers).filter((name) => name.startsWith('x-many-')),
        way,
      ).toHaveLength(400);
    }
  });

  test('names and addresses that are nobody’s: in by a sidecar they are the app’s own business', async () => {
    const [pod] = shop.api;
    for (const host of ['127.0.0.1:99', 'example.org', 'api', 'api.shop', 'api.shop.svc', 'api.shop.svc.cluster.local', 'API:80'])
      expect(answerOf(await ask(pod.port, { host })).host, host).toBe(host);
    // Out by an explicit port there is nowhere else to go.
    const outbound = shop.frontend.sidecar?.outbound ?? 0;
    for (const host of ['api', 'api.shop', 'api.shop.svc', 'api.shop.svc.cluster.local', 'API.shop:80'])
      expect(pathOf(await ask(outbound, { host })), host).toBe('baseline');
    const nowhere = await ask(outbound, { host: 'example.org' });
    expect([nowhere.status, nowhere.text]).toEqual([404, expect.stringContaining('no Service')]);
  });
});
