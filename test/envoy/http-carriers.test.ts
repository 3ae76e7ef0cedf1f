/** Other names for the carriers, from flags of `detour serve` to requests: for teams that come from elsewhere. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { until } from '../support/until.ts';
import { type Ask, answerOf, pathOf, servedBy } from '../support/world/client.ts';
import { startGrpcApp } from '../support/world/grpc.ts';
import { ProxylessClient } from '../support/world/proxyless.ts';
import { HOST, openShop, type Shop } from '../support/world/shop.ts';
import { NAMESPACE, type Pod } from '../support/world/world.ts';

const SERVE = [
  ...['--header', 'X-Preview', '--member', 'preview-of'],
  ...[
    '--header-alias',
    'sd-routing-key,kubernetes-route-as',
    '--member-alias',
    'sd-routing-key',
    '--member-alias',
    'okteto-divert',
  ],
];

describe('carriers of other names', () => {
  let shop: Shop;
  let pods: readonly Pod[];
  beforeAll(async () => {
    shop = await openShop({ serve: SERVE });
    pods = await Promise.all([shop.copy('frontend', 'k'), shop.copy('api', 'k')]);
    await shop.world.preview({ key: 'k', pods });
    await shop.reaches('k > k', { path: '/api/', headers: { 'x-preview': 'k', baggage: 'preview-of=k' } });
  });
  afterAll(() => shop[Symbol.asyncDispose]());

  test.each<[string, NonNullable<Ask['headers']>, string]>([
    ['the header', { 'x-preview': 'k' }, 'k'],
    ['an alias of the header', { 'sd-routing-key': 'k' }, 'k'],
    ['another alias of the header', { 'kubernetes-route-as': 'k' }, 'k'],
    ['the header before its alias', { 'x-preview': 'other', 'sd-routing-key': 'k' }, 'baseline'],
    ['no header by the usual name', { 'x-detour': 'k' }, 'baseline'],
    ['no member by the usual name', { baggage: 'detour=k' }, 'baseline'],
  ])('%s', async (_, headers, copy) => {
    expect(pathOf(await shop.ask({ headers }))).toBe(copy);
  });

  test.each<[string, NonNullable<Ask['headers']>]>([
    ['the member of baggage', { baggage: 'user=a,preview-of=k' }],
    ['the member of tracestate', { tracestate: 'preview-of=k' }],
    ['an alias of the member', { baggage: 'sd-routing-key=k;p=1,user=a' }],
    ['another alias, in tracestate', { tracestate: 'v=1,okteto-divert=k' }],
  ])('%s, at every hop', async (_, headers) => {
    const reply = await shop.ask({ path: '/api/', headers });
    expect([pathOf(reply), servedBy(reply)]).toEqual(['k > k', 'k']);
  });

  test('a preview URL says its key by these names, over what the request says by any of them', async () => {
    const headers = { 'x-preview': 'other', 'sd-routing-key': 'other', baggage: 'sd-routing-key=other,user=a' };
    const reply = await shop.ask({ host: `k--${HOST}`, path: '/api/', headers });
    expect(pathOf(reply)).toBe('k > k');
    const seen = answerOf(reply).headers;
    expect([seen['x-preview'], seen['sd-routing-key'], seen['x-detour']]).toEqual(['k', 'k', undefined]);
    expect(seen['baggage']).toBe('preview-of=k,sd-routing-key=other,user=a');
  });

  test('a proxyless gRPC client is told all of them', async () => {
    const { world } = shop;
    const start = async (copy: string) => {
      const { port } = world.use(await startGrpcApp(copy));
      return { namespace: NAMESPACE, name: `mail-${copy}`, service: 'mail', port };
    };
    await world.baseline({ name: 'mail', appProtocol: 'grpc', port: 8080 }, [await start('baseline')]);
    await world.preview({ key: 'g', pods: [await start('g')] });
    const client = world.use(new ProxylessClient(world.plane.xdsPort));
    const call = (metadata: Record<string, string>): Promise<string> => client.call('xds:///mail.shop:8080', metadata);
    await until('the preview to be live', async () => (await call({ 'x-preview': 'g' })) === 'g');
    for (const metadata of [
      { 'sd-routing-key': 'g' },
      { 'kubernetes-route-as': 'g' },
      { baggage: 'okteto-divert=g' },
      { tracestate: 'sd-routing-key=g' },
    ])
      expect([metadata, await call(metadata)]).toEqual([metadata, 'g']);
    for (const metadata of [{}, { 'x-detour': 'g' }, { 'x-preview': 'other', 'sd-routing-key': 'g' }])
      expect([metadata, await call(metadata)]).toEqual([metadata, 'baseline']);
  });
});
