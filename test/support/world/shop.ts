/** The shop: `frontend` → `api` → `identity`, each pod with its own Envoy, and a gateway for `shop.example.com`. */
import { until } from '../until.ts';
import { type Ask, ask, pathOf, type Reply } from './client.ts';
import { detour } from './objects.ts';
import { createWorld, type GatewayOptions, type Pod, type Proxy, type World, type WorldOptions } from './world.ts';

export const HOST = 'shop.example.com';

export interface Shop extends AsyncDisposable {
  readonly world: World;
  readonly gateway: Proxy;
  readonly frontend: Pod;
  readonly api: readonly [Pod, Pod];
  readonly identity: Pod;
  /** A pod of a preview, with its own Envoy; not yet announced: see {@link World.preview}. */
  copy(service: string, key: string, pod?: string): Promise<Pod>;
  /** One request through the gateway, on a connection of its own. */
  ask(what?: Ask): Promise<Reply>;
  /** Asks until the copies on the way are these. */
  reaches(path: string, what: Ask): Promise<Reply>;
}

export interface ShopOptions extends WorldOptions {
  readonly gateway?: GatewayOptions;
}

const CALLS: Readonly<Record<string, readonly string[]>> = { frontend: ['api', 'identity'], api: ['identity'] };

export async function openShop(options: ShopOptions = {}): Promise<Shop> {
  const world = await createWorld(options);
  try {
    const start = (service: string, copy: string, pod: string): Promise<Pod> =>
      world.pod({ service, copy, pod, sidecar: true, calls: CALLS[service] ?? [] });
    const [frontend, api1, api2, identity, gateway] = await Promise.all([
      start('frontend', 'baseline', 'frontend-1'),
      start('api', 'baseline', 'api-1'),
      start('api', 'baseline', 'api-2'),
      start('identity', 'baseline', 'identity-1'),
      world.gateway(options.gateway),
    ]);
    await world.baseline({ name: 'frontend', annotations: detour({ host: HOST }) }, [frontend]);
    await world.baseline({ name: 'api' }, [api1, api2]);
    await world.baseline({ name: 'identity' }, [identity]);

    const through = (what: Ask = {}): Promise<Reply> => ask(gateway.port, { host: HOST, ...what });
    const reaches = (path: string, what: Ask): Promise<Reply> =>
      until(`${JSON.stringify(what)} to go by ${path}`, async () => {
        const reply = await through(what);
        const went = pathOf(reply);
        if (went !== path) throw new Error(`went by ${went}`);
        return reply;
      });
    const shop: Shop = {
      world,
      gateway,
      frontend,
      api: [api1, api2],
      identity,
      copy: (service, key, pod = `${service}-${key}`) => start(service, key, pod),
      ask: through,
      reaches,
      [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
    };
    await world.atHome([frontend, api1, api2, identity]);
    await reaches('baseline > baseline > baseline', { path: '/api/identity/' });
    return shop;
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
}
