/** What sidecars do with what translation makes for them: marks, own previews, leaks, ports that may not be HTTP. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { InterceptModel } from '../../src/model/intercept.ts';
import type { InterceptId, ObjectKey } from '../../src/model/names.ts';
import type { Scope } from '../../src/model/proxy.ts';
import { aModel, aPredicate, aServiceModel } from '../support/models.ts';
import { freePort } from '../support/ports.ts';
import { type App, startApp } from '../support/world/app.ts';
import { type Ask, answerOf, ask, H2cClient, servedBy } from '../support/world/client.ts';
import { openWebSocket } from '../support/world/web-socket.ts';
import { address, local, sidecarScope, startScope } from './translate-lab.ts';

const MARK = { 'x-detour-decided': 'shop/api:80' };

async function outcome(port: number, what: Ask): Promise<string> {
  const reply = await ask(port, what);
  return reply.status === 200 ? `${answerOf(reply).copy} ${servedBy(reply) ?? '-'}` : String(reply.status);
}

describe('sidecars', () => {
  const stack = new AsyncDisposableStack();
  let own: App;
  let baseline: App;
  let other: App;
  let model: InterceptModel;

  beforeAll(async () => {
    // `own` is the app of the pod that has the sidecar.
    own = stack.use(await startApp({ service: 'api', copy: 'own' }));
    baseline = stack.use(await startApp({ service: 'api', copy: 'baseline' }));
    other = stack.use(await startApp({ service: 'api', copy: 'pr-7' }));
    const api = aServiceModel({
      ports: [
        {
          baseline: [address(baseline)],
          intercepts: [
            { key: 'pr-42', endpoints: [address(own)], rule: [[aPredicate('x-user', 'exact', 'alice')]], percent: 1 },
            { key: 'pr-7', endpoints: [address(other)], rule: [[aPredicate('x-user', 'exact', 'bob')]] },
            { key: 'dead', endpoints: [{ ip: '127.0.0.1', port: await freePort() }] },
          ],
        },
      ],
    });
    const second = aServiceModel({
      name: 'second',
      clusterIPs: ['10.96.0.2', 'fd00::2'],
      ports: [{ port: 8080, baseline: [address(baseline)], intercepts: [{ key: 'pr-42', endpoints: [address(other)] }] }],
    });
    const far = aServiceModel({
      namespace: 'far',
      name: 'store',
      clusterIPs: ['10.96.0.3'],
      ports: [{ baseline: [address(other)] }],
    });
    const unseen = aServiceModel({ namespace: 'far', name: 'unseen', clusterIPs: ['10.96.0.4'] });
    const raw = aServiceModel({ name: 'raw', clusterIPs: ['10.96.0.5'], ports: [{ protocol: 'maybe' }] });
    model = aModel({ services: [api, second, far, unseen, raw] });
  });
  afterAll(() => stack.disposeAsync());

  const ids = (key: string): readonly InterceptId[] =>
    (model.services.get('shop/api')?.intercepts ?? []).filter((each) => each.key === key).map((each) => each.id);

  /** @returns the port of the inbound listener of a pod with these Services. */
  async function inbound(
    services: readonly (readonly [ObjectKey, number])[],
    over: Partial<Extract<Scope, { kind: 'sidecar' }>> = {},
    appPort = own.port,
  ): Promise<number> {
    const listen = local(await freePort());
    const port = { listen, app: local(appPort), services: services.map(([service, each]) => ({ service, port: each })) };
    stack.use(await startScope(sidecarScope({ inbound: [port], ...over }), model));
    return listen.port;
  }

  test('of a baseline pod: key and rule leave, everything else stays; the fallback is its own app', async () => {
    const port = await inbound([['shop/api', 80]]);
    expect(await outcome(port, {})).toBe('own -');
    expect(await outcome(port, { headers: { 'x-detour': 'nobody' } })).toBe('own baseline');
    expect(await outcome(port, { headers: { 'x-detour': 'pr-7' } })).toBe('pr-7 pr-7');
    expect(await outcome(port, { headers: { 'x-user': 'bob' } })).toBe('pr-7 pr-7');
    expect(await outcome(port, { headers: { baggage: 'detour=pr-7' }, host: 'api.shop:80' })).toBe('pr-7 pr-7');
    expect(await outcome(port, { headers: { 'x-detour': 'dead' } })).toBe('own baseline; reason=preview-unavailable');
    using h2c = new H2cClient(port);
    // Downstream h2c is h2c upstream, and this app speaks HTTP/1.1.
    expect((await h2c.ask()).status).toBe(502);
  });

  test('a request that was decided before stays, without the mark; a mark for another Service decides nothing', async () => {
    const port = await inbound([['shop/api', 80]]);
    const reply = await ask(port, { headers: { ...MARK, 'x-detour': 'pr-7' } });
    expect([answerOf(reply).copy, servedBy(reply), answerOf(reply).headers['x-detour-decided']]).toEqual([
      'own',
      undefined,
      undefined,
    ]);
    const elsewhere = { 'x-detour-decided': 'shop/web:80', 'x-detour': 'pr-7' };
    expect(await outcome(port, { headers: elsewhere })).toBe('pr-7 pr-7');
    expect(other.asked.at(-1)?.headers['x-detour-decided']).toBe('shop/api:80');
  });

  test('of a preview: its own requests stay, all of them; those of other previews leave', async () => {
    const port = await inbound([['shop/api', 80]], { previews: ids('pr-42') });
    for (let count = 0; count < 20; count += 1) {
      expect(await outcome(port, { headers: { 'x-detour': 'pr-42' } })).toBe('own pr-42');
    }
    expect(await outcome(port, { headers: { 'x-user': 'alice' } })).toBe('own pr-42');
    expect(await outcome(port, { headers: { 'x-detour': 'pr-7' } })).toBe('pr-7 pr-7');
    expect(await outcome(port, {})).toBe('own -');
  });

  test('of a preview among the baseline by mistake: what nobody decided goes on to the baseline, probes stay', async () => {
    const port = await inbound([['shop/api', 80]], { previews: ids('pr-42'), inBaselineOf: ['shop/api'] });
    for (const host of [
      'api',
      'api:80',
      'api.shop',
      'api.shop.svc:80',
      'api.shop.svc.cluster.local',
      'api.shop.svc.cluster.local.',
      '10.96.0.1',
      'API.shop',
    ]) {
      expect([host, await outcome(port, { host })]).toEqual([host, 'baseline -']);
    }
    expect(await outcome(port, { host: 'api', headers: { 'x-detour': 'nobody' } })).toBe('baseline baseline');
    expect(await outcome(port, { host: 'api', headers: { 'x-detour': 'dead' } })).toBe(
      'baseline baseline; reason=preview-unavailable',
    );
    expect(await outcome(port, { host: 'api', headers: { 'x-detour': 'pr-42' } })).toBe('own pr-42');
    expect(await outcome(port, { host: 'api', headers: { 'x-user': 'alice' } })).toBe('own pr-42');
    expect(await outcome(port, { host: 'api', headers: { 'x-user': 'bob' } })).toBe('pr-7 pr-7');
    expect(await outcome(port, { host: 'api', headers: MARK })).toBe('own -');
    expect(await outcome(port, { host: '10.0.0.1:15080' })).toBe('own -');
    // So that two such pods do not send it to and fro.
    await outcome(port, { host: 'api' });
    expect(baseline.asked.at(-1)?.headers['x-detour-decided']).toBe('shop/api:80');
  });

  test('two Services on one port: the name tells which, else the rules of both', async () => {
    const port = await inbound([
      ['shop/api', 80],
      ['shop/second', 8080],
    ]);
    expect(await outcome(port, { host: 'second:8080', headers: { 'x-detour': 'pr-7' } })).toBe('own baseline');
    expect(await outcome(port, { host: 'second.shop', headers: { 'x-user': 'bob' } })).toBe('own -');
    expect(await outcome(port, { host: '[fd00::2]:8080', headers: { 'x-detour': 'pr-42' } })).toBe('pr-7 pr-42');
    expect(await outcome(port, { host: 'api', headers: { 'x-detour': 'pr-7' } })).toBe('pr-7 pr-7');
    expect(await outcome(port, { host: 'shop.example.com', headers: { 'x-detour': 'pr-7' } })).toBe('pr-7 pr-7');
    const second = { 'x-detour-decided': 'shop/second:8080', 'x-detour': 'pr-7' };
    expect(await outcome(port, { host: 'shop.example.com', headers: second })).toBe('own -');
  });

  test('its app is dead: the caller is told by a header, and by name where it is a preview', async () => {
    const port = await inbound([['shop/api', 80]], { previews: ids('pr-42') }, await freePort());
    const reply = await ask(port, { headers: MARK });
    expect([reply.status, reply.headers['x-detour-unavailable']]).toEqual([503, 'true']);
    expect(reply.text).toContain('The app of the preview pr-42 accepts no connections at 127.0.0.1:');
  });

  test('its app cannot claim to be dead', async () => {
    const liar = createServer((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 503 No\r\nx-detour-unavailable: true\r\ncontent-length: 0\r\n\r\n'));
      socket.on('error', () => undefined);
    });
    await once(liar.listen(0, '127.0.0.1'), 'listening');
    const bound = liar.address();
    const port = await inbound([['shop/api', 80]], {}, typeof bound === 'object' ? bound?.port : undefined);
    const reply = await ask(port, { headers: MARK });
    expect([reply.status, reply.headers['x-detour-unavailable']]).toEqual([503, undefined]);
    liar.close();
  });

  test('a port that says nothing of itself: HTTP is routed, and whatever else passes, who ever speaks first', async () => {
    const echo = createServer((socket) => {
      socket.write('ready\n');
      socket.on('error', () => undefined).pipe(socket);
    });
    await once(echo.listen(0, '127.0.0.1'), 'listening');
    const bound = echo.address();
    const tcp = await inbound([['shop/raw', 80]], {}, typeof bound === 'object' ? bound?.port : undefined);
    const talk = async (say: string, want: string): Promise<string> => {
      const socket = connect(tcp, '127.0.0.1');
      let heard = '';
      socket.write(say);
      for await (const data of socket) {
        heard += String(data);
        if (heard.includes(want)) break;
      }
      return heard;
    };
    expect(await talk('\x16\x03 not http\n', 'http\n')).toBe('ready\n\x16\x03 not http\n');
    expect(await talk('', 'ready\n')).toBe('ready\n');
    echo.close();
    const http = await inbound([['shop/raw', 80]]);
    expect(await outcome(http, { headers: { 'x-detour': 'pr-7' } })).toBe('own baseline');
  });

  test('a port without a Service is passed through as it is', async () => {
    const port = await inbound([]);
    expect(await outcome(port, { headers: { 'x-detour': 'pr-7', ...MARK } })).toBe('own -');
    expect(own.asked.at(-1)?.headers['x-detour-decided']).toBe('shop/api:80');
  });

  test('WebSocket upgrades follow the key at an inbound sidecar', async () => {
    const port = await inbound([['shop/api', 80]]);
    await using socket = await openWebSocket(port, { 'x-detour': 'pr-7' });
    expect([socket.copy, await socket.echo('hello')]).toEqual(['pr-7', 'hello']);
  });

  test('outbound: every name of a Service, its own namespace by the short one, others as told', async () => {
    const port = await freePort();
    stack.use(await startScope(sidecarScope({ outbound: local(port), services: ['far/store'] }), model));
    const full = 'api.shop.svc.cluster.local';
    const api = ['api', 'api:80', 'api.shop', 'api.shop.svc:80', full, `${full}.`, `${full}.:80`, '10.96.0.1', '10.96.0.1:80'];
    for (const host of api) expect([host, await outcome(port, { host })]).toEqual([host, 'baseline -']);
    for (const host of ['second', 'second:8080', '[fd00::2]', '[fd00::2]:8080']) {
      expect([host, await outcome(port, { host, headers: { 'x-detour': 'pr-42' } })]).toEqual([host, 'pr-7 pr-42']);
    }
    expect(await outcome(port, { host: 'api', headers: { 'x-detour': 'pr-7' } })).toBe('pr-7 pr-7');
    expect(await outcome(port, { path: 'http://api.shop/x', host: 'api.shop', headers: { 'x-user': 'bob' } })).toBe('pr-7 pr-7');
    expect(await outcome(port, { host: 'store.far' })).toBe('pr-7 -');
    expect(baseline.asked.at(-1)?.headers['x-detour-decided']).toBe('shop/api:80');
    for (const host of ['store', 'unseen.far', 'second:80', 'example.com', 'api:8080']) {
      const reply = await ask(port, { host });
      expect([host, reply.status, reply.text.includes('no Service')]).toEqual([host, 404, true]);
    }
  });
});
