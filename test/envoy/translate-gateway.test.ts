/** What a gateway does with what translation makes for it: hosts, keys, rules, paths, preview addresses. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EnvoyProcess } from '../support/envoy.ts';
import { aHost, aModel, aPredicate, aServiceModel } from '../support/models.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { type App, startApp } from '../support/world/app.ts';
import { type Ask, answerOf, ask, H2cClient, type Reply, servedBy } from '../support/world/client.ts';
import { openWebSocket } from '../support/world/web-socket.ts';
import { address, gatewayScope, startScope } from './translate-lab.ts';

const APPS = ['baseline', 'pr-42', 'pr-7', 'pr-8', 'web', 'web-pr-7', 'grpc', 'mirror', 'slow-mirror'] as const;
type AppName = (typeof APPS)[number];

describe('a gateway', () => {
  const stack = new AsyncDisposableStack();
  const apps = {} as Record<AppName, App>;
  let port: number;
  let envoy: EnvoyProcess;

  beforeAll(async () => {
    for (const copy of APPS) {
      apps[copy] = stack.use(await startApp({ service: 'api', copy, protocol: copy === 'grpc' ? 'h2c' : 'http1' }));
    }
    const at = (...names: AppName[]): { readonly ip: string; readonly port: number }[] =>
      names.map((name) => address(apps[name]));
    const api = aServiceModel({
      ports: [
        {
          baseline: at('baseline'),
          intercepts: [
            { key: 'pr-42', endpoints: at('pr-42'), rule: [[aPredicate('x-user', 'exact', 'alice')]] },
            {
              key: 'pr-7',
              endpoints: at('pr-7'),
              rule: [
                [aPredicate('x-tags', 'contains', 'one,two')],
                [aPredicate('x-team', 'exact', 'a'), aPredicate('x-flag', 'present')],
                [aPredicate('x-team', 'exact', 'b'), aPredicate('x-flag', 'absent')],
                [aPredicate('x-name', 'regex', 'J(o|ö|\\xC3\\xB6)rg?'), aPredicate('x-team', 'exact', 'c')],
                [aPredicate('baggage[user]', 'exact', 'bob')],
              ],
            },
            { key: 'pr-8', mode: 'mirror', endpoints: at('mirror'), rule: [[aPredicate('x-user', 'prefix', 'm')]] },
            { key: 'half', percent: 50, endpoints: at('pr-8') },
            { key: 'strict', endpoints: [], whenUnavailable: 'fail' },
          ],
        },
      ],
    });
    const web = aServiceModel({
      name: 'web',
      ports: [
        {
          baseline: at('web'),
          intercepts: [{ key: 'pr-7', endpoints: at('web-pr-7'), rule: [[aPredicate('x-user', 'exact', 'alice')]] }],
        },
      ],
    });
    const plain = aServiceModel({ name: 'plain', ports: [{ baseline: at('web') }] });
    const grpc = aServiceModel({ name: 'grpc', ports: [{ protocol: 'http2', baseline: at('grpc') }] });
    const model = aModel({
      services: [api, web, plain, grpc],
      hosts: [
        aHost(),
        aHost({ host: 'paths.example.com', paths: { '/': 'shop/web', '/api': 'shop/api' } }),
        aHost({ host: 'only.example.com', paths: { '/api': 'shop/api', '/plain': 'shop/plain' } }),
        aHost({ host: 'plain.example.com', paths: { '/': 'shop/plain', '/grpc': 'shop/grpc' } }),
        aHost({ host: 'grpc.example.com', paths: { '/': 'shop/grpc' } }),
        aHost({ host: 'a--b.example.com', previewUrls: false }),
      ],
    });
    port = await freePort();
    envoy = stack.use(await startScope(gatewayScope(port, { previewDomain: 'preview.example.com' }), model));
  });
  afterAll(() => stack.disposeAsync());

  const to = (host: string, headers: Ask['headers'] = {}, path = '/'): Promise<Reply> => ask(port, { host, headers, path });
  /** `copy`, and what the stamp says. */
  const outcome = async (host: string, headers: Ask['headers'] = {}, path = '/'): Promise<string> => {
    const reply = await to(host, headers, path);
    return reply.status === 200 ? `${answerOf(reply).copy} ${servedBy(reply) ?? '-'}` : String(reply.status);
  };
  const shop = (headers: Ask['headers'] = {}): Promise<string> => outcome('shop.example.com', headers);

  test('the key chooses the copy; no key and unknown keys are for the baseline', async () => {
    expect(await shop()).toBe('baseline -');
    expect(await shop({ 'x-detour': 'pr-42' })).toBe('pr-42 pr-42');
    expect(await shop({ 'x-detour': 'pr-4' })).toBe('baseline baseline');
    expect(await shop({ baggage: 'a=1, detour=pr-7;p=1' })).toBe('pr-7 pr-7');
    expect(await shop({ tracestate: 'detour=pr-42' })).toBe('pr-42 pr-42');
  });

  test('preview URLs: a live key routes, an unknown one is told, ports and case do not matter', async () => {
    expect(await outcome('pr-42--shop.example.com')).toBe('pr-42 pr-42');
    expect(await outcome('PR-42--Shop.Example.com:8080')).toBe('pr-42 pr-42');
    const unknown = await to('pr-99--shop.example.com');
    expect([unknown.status, unknown.text.includes('pr-99')]).toEqual([404, true]);
    expect(await outcome('a--b.example.com')).toBe('baseline -');
    expect(await outcome('nobody.example.com')).toBe('404');
  });

  test('the address of a preview goes straight to the copy, whatever the request carries', async () => {
    expect(await outcome('pr-7--web.preview.example.com')).toBe('web-pr-7 pr-7');
    expect(await outcome('pr-7--api.preview.example.com', { 'x-user': 'alice' })).toBe('pr-7 pr-7');
    expect(await outcome('pr-8--api.preview.example.com')).toBe('mirror pr-8');
    expect(await outcome('pr-42--web.preview.example.com')).toBe('404');
  });

  test('the address of a preview that cannot answer, and says fail: a 503 that says why', async () => {
    const reply = await to('strict--api.preview.example.com');
    expect([reply.status, reply.text.includes('when-unavailable: fail')]).toEqual([503, true]);
  });

  test('a key that is named comes before every rule', async () => {
    expect(await shop({ 'x-user': 'alice' })).toBe('pr-42 pr-42');
    expect(await shop({ 'x-user': 'alice', 'x-detour': 'pr-7' })).toBe('pr-7 pr-7');
    expect(await shop({ 'x-user': 'alice', 'x-detour': 'nobody' })).toBe('pr-42 pr-42');
  });

  test('a header of several lines is matched as one, joined by a comma', async () => {
    expect(await shop({ 'x-tags': ['one', 'two'] })).toBe('pr-7 pr-7');
    expect(await shop({ 'x-tags': ['two', 'one'] })).toBe('baseline -');
    expect(await shop({ 'x-user': ['alice', 'alice'] })).toBe('baseline -');
  });

  test('present takes an empty value too; absent does not', async () => {
    expect(await shop({ 'x-team': 'a', 'x-flag': '' })).toBe('pr-7 pr-7');
    expect(await shop({ 'x-team': 'a' })).toBe('baseline -');
    expect(await shop({ 'x-team': 'b' })).toBe('pr-7 pr-7');
    expect(await shop({ 'x-team': 'b', 'x-flag': '' })).toBe('baseline -');
  });

  test('a regex takes the whole value, byte by byte', async () => {
    expect(await shop({ 'x-team': 'c', 'x-name': 'Jor' })).toBe('pr-7 pr-7');
    expect(await shop({ 'x-team': 'c', 'x-name': 'Jorgi' })).toBe('baseline -');
    expect(await shop({ 'x-team': 'c', 'x-name': Buffer.from('Jörg', 'utf8').toString('latin1') })).toBe('pr-7 pr-7');
  });

  test('a rule on baggage reads the member, not what the client says under our private name', async () => {
    expect(await shop({ baggage: 'user=b%6Fb' })).toBe('pr-7 pr-7');
    expect(await shop({ 'x-detour-baggage-user': 'bob' })).toBe('baseline -');
    expect(await shop({ 'x-detour-baggage-user': 'bob', baggage: 'user=eve' })).toBe('baseline -');
  });

  test('paths: whole segments, the longest first, and each with its own keys and rules', async () => {
    const paths = (path: string, headers: Ask['headers'] = {}): Promise<string> => outcome('paths.example.com', headers, path);
    expect(await paths('/')).toBe('web -');
    expect(await paths('/api')).toBe('baseline -');
    expect(await paths('/api?x=1')).toBe('baseline -');
    expect(await paths('/api/x')).toBe('baseline -');
    expect(await paths('/apix')).toBe('web -');
    // pr-42 is a key of api alone: on web's path it does not keep web's rule from its requests.
    expect(await paths('/', { 'x-detour': 'pr-42', 'x-user': 'alice' })).toBe('web-pr-7 pr-7');
    expect(await paths('/api', { 'x-detour': 'pr-42', 'x-user': 'alice' })).toBe('pr-42 pr-42');
    expect(await paths('/', { 'x-detour': 'pr-42' })).toBe('web baseline');
    expect(await outcome('only.example.com', {}, '/')).toBe('404');
    expect(await outcome('only.example.com', {}, '/plain/x')).toBe('web -');
    expect(await outcome('plain.example.com', { 'x-detour': 'pr-42' }, '/grpcx')).toBe('web baseline');
    expect(await outcome('plain.example.com', {}, '/grpc/x?y')).toBe('grpc -');
  });

  test('the app sees who decided, and none of what filters and hops tell each other', async () => {
    const headers = { 'x-detour-decided': 'shop/other:80', 'x-detour-shard': '1', baggage: 'user=bob' };
    const seen = answerOf(await to('shop.example.com', headers)).headers;
    expect(seen['x-detour-decided']).toBe('shop/api:80');
    expect(seen['x-detour-shard']).toBeUndefined();
    expect(seen['x-detour-baggage-user']).toBeUndefined();
    expect(answerOf(await to('paths.example.com', headers)).headers['x-detour-decided']).toBe('shop/web:80');
    expect(answerOf(await to('plain.example.com', headers)).headers['x-detour-decided']).toBe('shop/plain:80');
  });

  test('the app sees the host that was asked', async () => {
    expect(answerOf(await to('pr-42--shop.example.com')).host).toBe('pr-42--shop.example.com');
  });

  test('a mirror gets a copy with host and body, the baseline answers; a route comes before it', async () => {
    const asked = (): number => apps.mirror.requests;
    const before = asked();
    const reply = await ask(port, { host: 'shop.example.com', method: 'POST', headers: { 'x-user': 'mia' }, body: 'pay 5' });
    expect(answerOf(reply).copy).toBe('baseline');
    await until('the copy', () => asked() > before);
    expect(apps.mirror.asked.at(-1)).toMatchObject({ host: 'shop.example.com', bytes: 5, method: 'POST' });
    const byKey = await to('shop.example.com', { 'x-detour': 'pr-8' });
    expect([answerOf(byKey).copy, servedBy(byKey)]).toEqual(['baseline', 'baseline']);
    await until('the copy', () => asked() > before + 1);
    expect(await shop({ 'x-detour': 'pr-8', 'x-user': 'alice' })).toBe('pr-42 pr-42');
    expect(asked()).toBe(before + 2);
  });

  test('percent: about that share of the matching requests, the rest to the baseline', async () => {
    const copies = await Promise.all(Array.from({ length: 200 }, () => shop({ 'x-detour': 'half' })));
    const share = copies.filter((copy) => copy === 'pr-8 half').length;
    expect(share + copies.filter((copy) => copy === 'baseline baseline').length).toBe(200);
    expect(share).toBeGreaterThan(60);
    expect(share).toBeLessThan(140);
  });

  test('HTTP/2 clients reach HTTP/1.1 apps, and HTTP/1.1 clients HTTP/2 ones', async () => {
    using client = new H2cClient(port);
    const reply = await client.ask({ host: 'shop.example.com', headers: { 'x-detour': 'pr-42' } });
    expect(answerOf(reply).copy).toBe('pr-42');
    expect(await outcome('grpc.example.com')).toBe('grpc -');
  });

  test('WebSocket upgrades follow the key', async () => {
    await using socket = await openWebSocket(port, { host: 'shop.example.com', 'x-detour': 'pr-42' });
    expect([socket.copy, await socket.echo('hello')]).toEqual(['pr-42', 'hello']);
  });

  test('a body larger than any buffer arrives, by key, by percent and with a mirror', async () => {
    const body = 'x'.repeat(3_000_000);
    for (const headers of [{ 'x-detour': 'pr-42' }, { 'x-detour': 'half' }, { 'x-detour': 'pr-8' }, {}]) {
      const reply = await ask(port, { host: 'shop.example.com', method: 'POST', headers, body });
      expect([reply.status, answerOf(reply).bytes]).toEqual([200, body.length]);
    }
  });

  test('Envoy has nothing to complain about', async () => {
    expect((await envoy.log()).split('\n').filter((line) => line.includes('deprecated') || line.includes('[error]'))).toEqual([]);
  });
});
