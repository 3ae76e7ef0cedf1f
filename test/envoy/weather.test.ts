/**
 * Real Envoys behind a network that is slow, stands still and breaks, and a control plane some of whose resources they
 * refuse: previews come, change and go under load all the while, and not one request fails or goes astray.
 */
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { bootstrap } from '../../src/envoy-bootstrap.ts';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import type { Pod } from '../../src/model/cluster-state.ts';
import { XdsServer } from '../../src/xds/xds.ts';
import { anEndpoint, aPod, aPort, aService, aSlice, type ClusterObject, puts, removes } from '../support/builders.ts';
import { type EnvoyProcess, startEnvoy } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { type App, startApp } from '../support/world/app.ts';
import { type Ask, ask, pathOf } from '../support/world/client.ts';
import { Ledger } from '../support/world/ledger.ts';
import { type LoadKind, startLoad } from '../support/world/load.ts';
import { SilentObserver } from '../support/xds/observer.ts';
import { spoiling } from '../support/xds/spoiling.ts';
import { Weather } from '../support/xds/weather.ts';

const HOST = 'shop.example.com';
/** All of 62 clusters (17,000 to 19,500) and a part of their endpoints (from 9,300), in bytes. */
const HOLD = 22_000;

/** A gateway, its control plane in this process, and the network between them. */
class Lab implements AsyncDisposable {
  readonly weather: Weather;
  readonly envoy: EnvoyProcess;
  readonly port: number;
  readonly apps: Readonly<Record<'baseline' | 'one' | 'two', App>>;
  readonly observer: SilentObserver;
  readonly #server: XdsServer;
  readonly #engine: InterceptEngine;
  readonly #stack: AsyncDisposableStack;

  private constructor(parts: Pick<Lab, 'weather' | 'envoy' | 'port' | 'apps' | 'observer'>, inner: Inner) {
    this.weather = parts.weather;
    this.envoy = parts.envoy;
    this.port = parts.port;
    this.apps = parts.apps;
    this.observer = parts.observer;
    this.#server = inner.server;
    this.#engine = inner.engine;
    this.#stack = inner.stack;
  }

  /** @param gateMs how long routes wait for their clusters */
  static async open(protocol: 'delta' | 'sotw', gateMs: number): Promise<Lab> {
    await using stack = new AsyncDisposableStack();
    const app = async (copy: string): Promise<App> => stack.use(await startApp({ service: 'api', copy }));
    const apps = { baseline: await app('baseline'), one: await app('one'), two: await app('two') };
    const engine = new InterceptEngine();
    const observer = new SilentObserver();
    const lua = await readFile(new URL('../../envoy/detour.lua', import.meta.url), 'utf8');
    const server = stack.use(
      new XdsServer({
        settings: { carriers: DEFAULT_CARRIERS, lua },
        createTranslation: spoiling,
        observer,
        now: Date.now,
        limits: { gateMs },
      }),
    );
    const xds = await server.listen({ host: '127.0.0.1', port: 0 });
    const weather = stack.use(await Weather.to(xds.port));
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
    const config = bootstrap({ proxy, xds: [{ host: '127.0.0.1', port: weather.port }], admin, protocol });
    const envoy = stack.use(await startEnvoy({ config, concurrency: 2 }));
    const lab = new Lab({ weather, envoy, port: listen.port, apps, observer }, { server, engine, stack: stack.move() });
    const endpoint = anEndpoint({ addresses: ['127.0.0.1'], pod: 'shop/api-0' });
    lab.put(
      aService({ annotations: { host: HOST }, ports: [aPort({ appProtocol: 'http' })] }),
      aSlice({ ports: [{ name: 'http', port: apps.baseline.port }], endpoints: [endpoint] }),
    );
    return lab;
  }

  put(...objects: readonly ClusterObject[]): void {
    this.#server.publish(this.#engine.model, this.#engine.apply(puts(...objects), Date.now()));
  }

  take(...objects: readonly ClusterObject[]): void {
    this.#server.publish(this.#engine.model, this.#engine.apply(removes(...objects), Date.now()));
  }

  preview(key: string, app: App, annotations: Readonly<Record<string, string>> = {}): Pod {
    return aPod({
      previewLabel: key,
      annotations: { intercept: 'api=http', ...annotations },
      ips: ['127.0.0.1'],
      ports: { http: app.port },
    });
  }

  /** Until the Envoy has acknowledged the preview as it is now. */
  async live(key: string): Promise<void> {
    await until(`${key} to be live`, () => this.#receipts(key).every((state) => state === 'live'), 30_000);
  }

  isRejected(key: string): boolean {
    return this.#receipts(key).every((state) => state === 'rejected');
  }

  async serves(headers: NonNullable<Ask['headers']>): Promise<string> {
    return pathOf(await ask(this.port, { host: HOST, headers }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }

  #receipts(key: string): readonly string[] {
    const own = [...this.#engine.intercepts()].filter((intercept) => intercept.key === key);
    return own.length === 0 ? ['unknown'] : own.map(({ id }) => this.#server.receipt(id).state);
  }
}

interface Inner {
  readonly server: XdsServer;
  readonly engine: InterceptEngine;
  readonly stack: AsyncDisposableStack;
}

/** The same numbers each time. @returns 0 to 1 */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** What the network does while a preview comes to its next copy. */
const WEATHER: readonly ((weather: Weather, random: () => number) => Promise<void>)[] = [
  async () => undefined,
  // Slow, and slower one way: acknowledgements come late, and cross what is new.
  async (weather, random) => {
    weather.delay('up', () => random() * 150);
    weather.delay('down', () => random() * 50);
    await pause(300);
  },
  // It stands still in the middle, and goes on.
  async (weather) => {
    weather.hold('down', 600);
    await pause(400);
    weather.resume();
  },
  // Acknowledgements come later than routes wait for them.
  async (weather) => {
    weather.hold('up');
    await pause(900);
    weather.resume();
  },
  // It breaks in the middle: some was said, the rest is lost.
  async (weather) => {
    weather.hold('down', 600);
    await pause(150);
    weather.cut();
    weather.resume();
  },
  // It breaks, and so does the next connection.
  async (weather) => {
    weather.cut();
    await pause(600);
    weather.cut();
  },
];

/** Long enough for the network to be as it is said to be: nothing is judged by it. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe.each(['delta', 'sotw'] as const)('%s, by a bad network', (protocol) => {
  it('no request fails or goes astray while previews come, change, go and are refused', async () => {
    await using lab = await Lab.open(protocol, 500);
    const { apps, weather } = lab;
    lab.put(lab.preview('steady', apps.one, { match: 'x-user=alice' }));
    await lab.live('steady');
    await until('the steady preview', async () => (await lab.serves({ 'x-detour': 'steady' })) === 'one');

    const ledger = new Ledger();
    ledger.allow('baseline');
    const fixed = (name: string, way: string, headers: NonNullable<Ask['headers']>): LoadKind => ({
      name,
      ask: { host: HOST, headers },
      judge: ({ path }) => (path === way ? undefined : `went by ${path}`),
    });
    const kinds: LoadKind[] = [
      fixed('key', 'one', { 'x-detour': 'steady' }),
      fixed('rule', 'one', { 'x-user': 'alice' }),
      fixed('plain', 'baseline', {}),
      {
        name: 'flapping',
        ask: { host: HOST, headers: { 'x-detour': 'flapping' } },
        judge: ({ path }) => (path === 'two' || path === 'baseline' ? undefined : `went by ${path}`),
      },
      {
        name: 'moving',
        ask: { host: HOST, headers: { 'x-detour': 'moving' } },
        judge: ({ path, startedAt, endedAt }) => ledger.judge(path, startedAt, endedAt),
      },
    ];
    await using load = startLoad({ port: lab.port, rate: 120, connections: 4, kinds });

    const random = dice(42);
    const during = async (round: number, change: () => void): Promise<void> => {
      const happening = WEATHER[round]?.(weather, random);
      change();
      await happening;
      weather.delay('up', () => 0);
      weather.delay('down', () => 0);
    };
    let was: 'baseline' | 'one' | 'two' = 'baseline';
    for (let round = 0; round < WEATHER.length; round += 1) {
      // Another pod, and another cluster that has the endpoints of the last one.
      const next = (['one', 'two', 'baseline'] as const)[round % 3] ?? 'baseline';
      const whenUnavailable = round % 2 === 0 ? 'fail' : 'baseline';
      ledger.allow(next);
      await during(round, () => {
        lab.put(lab.preview('steady', apps.one, { match: 'x-user=alice', 'when-unavailable': whenUnavailable }));
        lab.put(lab.preview('moving', apps[next], { 'when-unavailable': whenUnavailable }));
        // Its last pod leaves and comes back: its endpoints are those of the baseline meanwhile.
        lab.put({ ...lab.preview('flapping', apps.two), ready: round % 2 === 0 });
      });
      await Promise.all([lab.live('moving'), lab.live('steady')]);
      // From the receipt on nobody goes by the old one; a worker may be a moment behind.
      if (was !== next) ledger.forbid(was, performance.now() + 200);
      was = next;

      // In one go: what is refused, and what is new beside it.
      const others = [lab.preview(`spoilt-${round}`, apps.two), lab.preview(`other-${round}`, apps.two)];
      await during(round, () => lab.put(...others));
      await lab.live(`other-${round}`);
      await until('the refusal', () => lab.isRejected(`spoilt-${round}`), 30_000);
      // The clusters of those that go are removed after their routes, while the weather is what it is next.
      lab.take(...others);
      await load.more(2);
    }

    const { failures, details, requests } = await load.stop();
    expect(details).toEqual([]);
    expect(failures).toBe(0);
    expect(requests).toBeGreaterThanOrEqual(2 * kinds.length * WEATHER.length);
    expect(lab.observer.nacks.length).toBeGreaterThan(5);
    // It did break.
    expect(weather.connections).toBeGreaterThan(3);
    await until('nothing to warm', async () => (await lab.envoy.stat('cluster_manager.warming_clusters')) === 0);
  }, 120_000);

  it('a cluster that changed warms at once, though its stream broke before its endpoints came', async () => {
    await using lab = await Lab.open(protocol, 15_000);
    const { apps, weather, envoy } = lab;
    // Clusters change with what their port speaks; their endpoints do not. More than go out together with anything else.
    const names = ['api', ...Array.from({ length: 60 }, (_, index) => `other-${index}`)];
    const services = (appProtocol: string): readonly ClusterObject[] =>
      names.map((name) => {
        const host = name === 'api' ? HOST : `${name}.example.com`;
        return aService({ name, annotations: { host }, ports: [aPort({ appProtocol })] });
      });
    lab.put(
      ...services('http'),
      ...names
        .slice(1)
        .map((service) => aSlice({ service: `shop/${service}`, ports: [{ name: 'http', port: apps.baseline.port }] })),
    );
    lab.put(lab.preview('steady', apps.one, { 'when-unavailable': 'fail' }));
    await lab.live('steady');
    await until('the preview', async () => (await lab.serves({ 'x-detour': 'steady' })) === 'one');
    const warming = async (): Promise<boolean> => (await envoy.stat('cluster_manager.warming_clusters')) > 0;
    let times = 0;
    for (const appProtocol of ['kubernetes.io/h2c', 'http']) {
      // All of the clusters passes, and a part of the endpoints.
      weather.hold('down', HOLD);
      lab.put(...services(appProtocol));
      const isWarming = await until('the clusters to warm', warming, 10_000).catch(() => false);
      if (isWarming) times += 1;
      weather.cut();
      weather.resume();
      // By itself an Envoy gives up after 15 s: it comes back within 5, and is not left waiting.
      await until('nothing to warm', async () => !(await warming()), 12_000);
      await lab.live('steady');
    }
    expect(await lab.serves({ 'x-detour': 'steady' })).toBe('one');
    expect(times).toBe(2);
  }, 60_000);
});
