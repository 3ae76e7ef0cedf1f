/** HTTP as people use it, through a gateway and two sidecars: connections that stay, protocols, bodies of any size. */
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { pattern, patternSha256 } from '../support/world/app-answer.ts';
import { answerOf, H2cClient, HttpClient, pathOf, servedBy } from '../support/world/client.ts';
import { HOST, openShop, type Shop } from '../support/world/shop.ts';
import { openWebSocket } from '../support/world/web-socket.ts';

const MEGABYTES_20 = 20 * 1024 * 1024;

describe('through gateway and sidecars', () => {
  let shop: Shop;
  beforeAll(async () => {
    shop = await openShop();
  });
  afterAll(() => shop[Symbol.asyncDispose]());

  test('the next request on a kept-alive connection follows a rule that was added, changed, removed', async () => {
    const { world } = shop;
    const pods = [await shop.copy('api', 'kept')];
    using client = new HttpClient(shop.gateway.port);
    let baggage = 'detour=kept,user=bob';
    const went = async (): Promise<string> => {
      const reply = await client.ask({ host: HOST, path: '/api/', headers: { baggage } });
      expect(reply.status).toBe(200);
      return pathOf(reply);
    };
    const becomes = (path: string): Promise<boolean> =>
      until(`the connection to follow to ${path}`, async () => (await went()) === path);
    expect(await went()).toBe('baseline > baseline');
    await world.preview({ key: 'kept', pods });
    await becomes('baseline > kept');
    await world.preview({ key: 'kept', pods, annotations: { expires: '2026-01-01T00:00:00Z' } });
    await becomes('baseline > baseline');
    await world.preview({ key: 'kept', pods });
    await becomes('baseline > kept');
    // By rule, and without the key: a preview that is named, even one that is gone since a moment, beats every rule.
    baggage = 'user=alice';
    expect(await went()).toBe('baseline > baseline');
    await world.preview({ key: 'kept', pods, annotations: { match: 'baggage[user]=alice' } });
    await becomes('baseline > kept');
    await world.preview({ key: 'kept', pods, annotations: { match: 'baggage[user]=carol' } });
    await becomes('baseline > baseline');
    await world.preview({ key: 'kept', pods, annotations: { match: 'baggage[user]=carol;baggage[user]^=ali' } });
    await becomes('baseline > kept');
    await world.noPreview(pods);
    await becomes('baseline > baseline');
    expect(client.connections, 'connections that were needed').toBe(1);
  });

  test('h2c goes the same way as HTTP/1.1, to apps that speak only HTTP/1.1', async () => {
    const { world } = shop;
    const pods = [await shop.copy('frontend', 'h2')];
    await world.preview({ key: 'h2', pods });
    await shop.reaches('h2 > baseline', { path: '/api/', headers: { 'x-detour': 'h2' } });
    using client = new H2cClient(shop.gateway.port);
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        client.ask({ host: HOST, path: '/api/', headers: index % 2 === 0 ? { 'x-detour': 'h2' } : {} }),
      ),
    );
    for (const [index, reply] of replies.entries()) {
      expect(reply.status).toBe(200);
      expect(pathOf(reply)).toBe(index % 2 === 0 ? 'h2 > baseline' : 'baseline > baseline');
    }
    await world.noPreview(pods);
  });

  test('20 MB go up and down whole, to the preview and to the baseline', async () => {
    const { world } = shop;
    const pods = [await shop.copy('frontend', 'large')];
    await world.preview({ key: 'large', pods });
    await shop.reaches('large', { headers: { 'x-detour': 'large' } });
    const sum = patternSha256(MEGABYTES_20);
    for (const key of ['large', 'nobody']) {
      const copy = key === 'large' ? 'large' : 'baseline';
      const headers = { 'x-detour': key };
      const up = await shop.ask({ method: 'POST', path: '/upload', headers, body: Readable.from(pattern(MEGABYTES_20)) });
      expect(answerOf(up)).toMatchObject({ copy, bytes: MEGABYTES_20, sha256: sum });
      const down = await shop.ask({ path: `/download?bytes=${MEGABYTES_20}`, headers });
      expect([down.status, down.headers['x-app-copy'], down.bytes, down.sha256]).toEqual([200, copy, MEGABYTES_20, sum]);
    }
    await world.noPreview(pods);
  });

  test('a body that takes its time, a reply after 16 s and a reply that drips for 16 s are all waited for', async () => {
    const { world } = shop;
    const pods = [await shop.copy('frontend', 'slow')];
    await world.preview({ key: 'slow', pods });
    await shop.reaches('slow', { headers: { 'x-detour': 'slow' } });
    const headers = { 'x-detour': 'slow' };
    async function* drip(): AsyncGenerator<string> {
      for (let index = 0; index < 16; index++) {
        yield `${index}\n`;
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
    const slow = [
      shop.ask({ method: 'POST', headers, body: Readable.from(drip()) }),
      shop.ask({ path: '/slow?ms=16000', headers }),
      shop.ask({ path: '/slow?ms=16000' }),
      shop.ask({ path: '/stream?chunks=16&ms=1000', headers }),
    ];
    // While these run the routes go on changing.
    const others = [await shop.copy('api', 'beside')];
    for (let round = 0; round < 5; round++) {
      await world.preview({ key: `beside-${round}`, pods: others });
      await shop.reaches('baseline > beside', { path: '/api/', headers: { baggage: `detour=beside-${round}` } });
    }
    const [body, late, lateBaseline, dripped] = await Promise.all(slow);
    if (!body || !late || !lateBaseline || !dripped) throw new Error('four replies were waited for');
    expect([body.status, answerOf(body).copy, answerOf(body).bytes]).toEqual([200, 'slow', 38]);
    expect([late.status, answerOf(late).copy]).toEqual([200, 'slow']);
    expect([lateBaseline.status, answerOf(lateBaseline).copy]).toEqual([200, 'baseline']);
    expect([dripped.status, dripped.text.trimEnd().split('\n').at(-1)]).toEqual([200, 'slow 15']);
    await world.noPreview([...pods, ...others]);
  }, 40_000);

  test('a WebSocket opens through every hop, to the preview and to the baseline, and outlives changes of the routes', async () => {
    const { world } = shop;
    const pods = [await shop.copy('frontend', 'socket')];
    await world.preview({ key: 'socket', pods });
    const reached = await shop.reaches('socket', { headers: { 'x-detour': 'socket' } });
    expect(servedBy(reached)).toBe('socket');
    await using preview = await openWebSocket(shop.gateway.port, { host: HOST, 'x-detour': 'socket' });
    await using baseline = await openWebSocket(shop.gateway.port, { host: HOST });
    expect([preview.copy, baseline.copy]).toEqual(['socket', 'baseline']);
    await world.preview({ key: 'socket', pods, annotations: { match: 'x-user=alice' } });
    await shop.reaches('socket', { headers: { 'x-user': 'alice' } });
    await world.preview({ key: 'renamed', pods });
    await shop.reaches('baseline', { headers: { 'x-detour': 'socket' } });
    expect(await preview.echo('still here')).toBe('still here');
    expect(await baseline.echo('here too')).toBe('here too');
    expect(await preview.echo('x'.repeat(1_000_000))).toHaveLength(1_000_000);
    await world.noPreview(pods);
  });

  test('a WebSocket from one app to another goes out by one sidecar and in by the next', async () => {
    const { world, frontend } = shop;
    const pods = [await shop.copy('api', 'inner')];
    await world.preview({ key: 'inner', pods });
    await shop.reaches('baseline > inner', { path: '/api/', headers: { baggage: 'detour=inner' } });
    const outbound = frontend.sidecar?.outbound ?? 0;
    await using preview = await openWebSocket(outbound, { host: 'api', baggage: 'detour=inner' });
    await using baseline = await openWebSocket(outbound, { host: 'api' });
    expect([preview.copy, baseline.copy]).toEqual(['inner', 'baseline']);
    expect(await preview.echo('hello')).toBe('hello');
    await world.noPreview(pods);
  });
});
