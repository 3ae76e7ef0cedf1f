/**
 * A real Envoy refuses what one intercept makes: only that intercept is left out, and told; traffic of the others never
 * notices. Nothing that Detour translates is known to be refused, so the translation is spoilt here on its way: the
 * routes of keys that begin with `spoilt` get a regular expression that is none.
 */
import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { type InterceptReport, interceptReports } from '../../src/admin/intercept-report.ts';
import { bootstrap } from '../../src/envoy-bootstrap.ts';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import { type XdsObserver, XdsServer } from '../../src/xds/xds.ts';
import { anEndpoint, aPod, aPort, aService, aSlice, type ClusterObject, puts, removes } from '../support/builders.ts';
import { startEnvoy } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { type App, startApp } from '../support/world/app.ts';
import { type Ask, ask, pathOf } from '../support/world/client.ts';
import { startLoad } from '../support/world/load.ts';
import { spoiling } from '../support/xds/spoiling.ts';

const HOST = 'shop.example.com';

test.each(['delta', 'sotw'] as const)(
  'a refusal leaves out one intercept, tells why, and disturbs nobody (%s)',
  async (protocol) => {
    await using stack = new AsyncDisposableStack();
    const start = async (copy: string): Promise<App> => stack.use(await startApp({ service: 'api', copy }));
    const [baseline, good, bad] = [await start('baseline'), await start('good'), await start('bad')];

    const engine = new InterceptEngine();
    const settings = {
      carriers: DEFAULT_CARRIERS,
      lua: await readFile(new URL('../../envoy/detour.lua', import.meta.url), 'utf8'),
    };
    const nacks: string[] = [];
    const nothing = (): void => undefined;
    const observer: XdsObserver = {
      streamOpened: nothing,
      nodeClaimedTwice: nothing,
      streamClosed: nothing,
      streamDrained: nothing,
      streamRefused: nothing,
      streamDenied: () => undefined,
      streamSentAway: nothing,
      connectionOpened: nothing,
      connectionClosed: nothing,
      connectionGivenUp: nothing,
      request: nothing,
      ack: nothing,
      nack: (_type, _stream, { error }) => nacks.push(error),
      responseSent: nothing,
      converged: nothing,
    };
    const server = stack.use(new XdsServer({ settings, createTranslation: spoiling, observer, now: Date.now }));
    const xds = await server.listen({ host: '127.0.0.1', port: 0 });
    const apply = (...objects: readonly ClusterObject[]): void =>
      server.publish(engine.model, engine.apply(puts(...objects), Date.now()));
    const report = (key: string): InterceptReport | undefined =>
      interceptReports({
        intercepts: engine.intercepts(),
        isWanted: () => true,
        urls: () => ({ urls: [], baselineUrls: [] }),
        rejections: server.rejections(),
        receipt: (id) => server.receipt(id),
      }).find((each) => each.key === key);
    const preview = (key: string, app: App, match: string) =>
      aPod({ previewLabel: key, annotations: { intercept: 'api=http', match }, ips: ['127.0.0.1'], ports: { http: app.port } });

    const endpoint = anEndpoint({ addresses: ['127.0.0.1'], pod: 'shop/api-0' });
    apply(
      aService({ annotations: { host: HOST }, ports: [aPort({ appProtocol: 'http' })] }),
      aSlice({ ports: [{ name: 'http', port: baseline.port }], endpoints: [endpoint] }),
      preview('good', good, 'x-user=alice'),
    );

    const listen = { host: '127.0.0.1', port: await freePort() };
    const proxy = {
      role: 'gateway',
      namespace: 'shop',
      name: 'edge',
      listen,
      previewDomain: undefined,
      corsOrigins: [],
    } as const;
    const admin = { host: '127.0.0.1', port: 0 };
    const envoy = stack.use(await startEnvoy({ config: bootstrap({ proxy, xds: [xds], admin, protocol }) }));
    const reaches = (copy: string, headers: NonNullable<Ask['headers']>): Promise<boolean> =>
      until(
        `${JSON.stringify(headers)} to reach ${copy}`,
        async () => pathOf(await ask(listen.port, { host: HOST, headers })) === copy,
      );
    await reaches('good', { 'x-user': 'alice' });

    const always = (name: string, way: string, headers: NonNullable<Ask['headers']>) => ({
      name,
      ask: { host: HOST, headers },
      judge: ({ path }: { readonly path: string }) => (path === way ? undefined : `went by ${path}`),
    });
    const kinds = [
      always('key', 'good', { 'x-detour': 'good' }),
      always('rule', 'good', { 'x-user': 'alice' }),
      always('plain', 'baseline', {}),
    ];
    await using load = startLoad({ port: listen.port, rate: 150, connections: 3, kinds });

    await load.more(3);
    // Broken and good come in one go: the good part of it is served.
    apply(preview('spoilt-1', bad, 'x-team=blue'), preview('late', good, 'x-user=carol'), preview('spoilt-2', bad, 'x-team=red'));
    await reaches('good', { 'x-user': 'carol' });
    await until('the refusals to be told', () => ['spoilt-1', 'spoilt-2'].every((key) => report(key)?.state === 'rejected'));
    await until('all others to be live', () => ['good', 'late'].every((key) => report(key)?.receipt.state === 'live'));
    for (const key of ['spoilt-1', 'spoilt-2']) {
      const told = report(key)?.problems.find((problem) => problem.code === 'Rejected');
      expect(told?.message).toMatch(/missing closing \)|missing \)/);
      expect(report(key)?.receipt.state).toBe('rejected');
      expect(pathOf(await ask(listen.port, { host: HOST, headers: { 'x-detour': key } }))).toBe('baseline');
    }
    expect([report('good')?.state, report('late')?.state]).toEqual(['active', 'active']);
    expect(nacks.length).toBeGreaterThan(0);
    // Beside what is refused.
    await load.more(10);

    // Changes go on, of the same Service too, and what is refused is not sent again and again.
    const refusals = nacks.length;
    apply(preview('late', good, 'x-user=dave'));
    await reaches('good', { 'x-user': 'dave' });
    await reaches('baseline', { 'x-user': 'carol' });
    expect(nacks.length).toBe(refusals);

    // One author gives up, the other mends it (here: by another key): served at once.
    server.publish(
      engine.model,
      engine.apply(removes(preview('spoilt-1', bad, 'x-team=blue'), preview('spoilt-2', bad, 'x-team=red')), Date.now()),
    );
    apply(preview('mended', bad, 'x-team=red'));
    await reaches('bad', { 'x-team': 'red' });
    await until('its receipt', () => report('mended')?.receipt.state === 'live');
    expect(await envoy.stat('server.live')).toBe(1);
    await load.more(3);

    const { failures, details, served } = await load.stop();
    expect(details).toEqual([]);
    expect(failures).toBe(0);
    for (const way of ['key: good', 'rule: good', 'plain: baseline']) expect(served.get(way), way).toBeGreaterThanOrEqual(16);
  },
  60_000,
);
