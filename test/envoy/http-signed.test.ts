/** Signed keys, from `detour sign` and the file of secrets through a gateway to every hop behind it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runSign } from '../../src/cli/sign.ts';
import { until } from '../support/until.ts';
import { type Ask, answerOf, pathOf, servedBy } from '../support/world/client.ts';
import { HOST, openShop, type Shop } from '../support/world/shop.ts';
import { openWebSocket } from '../support/world/web-socket.ts';

describe('a gateway that takes signed keys alone', () => {
  let shop: Shop;
  let folder: string;
  let keysFile: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'detour-signed-'));
    keysFile = join(folder, 'keys');
    await writeFile(keysFile, `${'0123456789abcdef'.repeat(3)}\n`);
    shop = await openShop({ gateway: { carriers: { kind: 'signed', keysFile } } });
    const pods = await Promise.all([shop.copy('frontend', 'pr-1'), shop.copy('api', 'pr-1')]);
    await shop.world.preview({ key: 'pr-1', pods });
    await shop.reaches('pr-1 > pr-1', { path: '/api/', headers: { 'x-detour': await sign('pr-1'), baggage: 'detour=x' } });
  });
  afterAll(async () => {
    await shop[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  async function sign(...args: readonly string[]): Promise<string> {
    const said: string[] = [];
    const io = { out: (text: string) => said.push(text), err: (text: string) => said.push(text), environment: {} };
    expect(await runSign([...args, '--secret-file', keysFile], io)).toBe(0);
    return said.join('').trim();
  }

  test('tells the hops behind the plain key, where the signed one was', async () => {
    const reply = await shop.ask({ path: '/api/', headers: { baggage: `user=a,detour=${await sign('pr-1')}` } });
    expect([pathOf(reply), servedBy(reply)]).toEqual(['pr-1 > pr-1', 'pr-1']);
    expect(answerOf(reply).headers).toMatchObject({ 'x-detour': 'pr-1', baggage: 'detour=pr-1,user=a' });
  });

  test.each<[string, Ask['headers']]>([
    ['plain', { 'x-detour': 'pr-1', baggage: 'detour=pr-1', tracestate: 'detour=pr-1' }],
    ['signed by nobody', { 'x-detour': `pr-1.9999999999.${'A'.repeat(43)}` }],
  ])('takes no key that is %s, and no hop behind sees one', async (_, headers) => {
    const reply = await shop.ask({ path: '/api/', headers: headers ?? {} });
    expect([pathOf(reply), servedBy(reply)]).toEqual(['baseline > baseline', undefined]);
    const seen = Object.keys(answerOf(reply).headers);
    expect(seen.filter((name) => /^(x-detour|baggage|tracestate)$/.test(name))).toEqual([]);
  });

  test('opens a preview in a browser by a link', async () => {
    const link = new URL(await sign('pr-1', '--url', `https://${HOST}/api/`));
    expect(link.hostname).toBe(`pr-1--${HOST}`);
    expect((await shop.ask({ host: link.hostname, path: '/api/' })).status).toBe(403);
    const first = await shop.ask({ host: link.hostname, path: `${link.pathname}${link.search}` });
    expect([first.status, first.headers.location]).toEqual([303, '/api/']);
    const [cookie = ''] = first.headers['set-cookie']?.[0]?.split(';') ?? [];
    const then = await shop.ask({ host: link.hostname, path: '/api/', headers: { cookie: `theme=dark; ${cookie}` } });
    expect([pathOf(then), answerOf(then).headers['cookie']]).toEqual(['pr-1 > pr-1', 'theme=dark']);
  });

  test('holds nothing up: a WebSocket, and a body whose end is not there yet', async () => {
    await using socket = await openWebSocket(shop.gateway.port, { host: HOST, 'x-detour': await sign('pr-1') });
    expect([socket.copy, await socket.echo('hello')]).toEqual(['pr-1', 'hello']);
    const app = shop.frontend.app;
    const before = app.requests;
    const body = new PassThrough();
    body.write('beginning');
    const reply = shop.ask({ method: 'POST', body });
    await until('the app to have the request', () => app.requests > before);
    body.end('end');
    expect(pathOf(await reply)).toBe('baseline');
  });

  test('is explained as what it is', async () => {
    const explain = async (query: string): Promise<unknown> => JSON.parse(await shop.world.plane.admin(`/api/explain?${query}`));
    const to = `to=${encodeURIComponent(`http://${HOST}/`)}`;
    expect(await explain(`${to}&header=x-detour:pr-1`)).toMatchObject({
      text: expect.stringMatching(/^This gateway takes signed keys alone\..*The request carries no key\..*to the baseline/s),
    });
    expect(await explain(`${to}&header=x-detour:${await sign('pr-1')}`)).toMatchObject({
      text: expect.stringContaining('sent to preview pr-1'),
    });
  });

  test('keeps its secret from the control plane', async () => {
    const { plane, gateway } = { plane: shop.world.plane, gateway: shop.gateway };
    const told = [await plane.admin('/api/proxies'), await gateway.envoy.admin('/config_dump')].join('');
    expect(told).toContain(keysFile);
    expect(told).not.toContain('0123456789abcdef0123');
  });
});
