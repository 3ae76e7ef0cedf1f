/** The delivery with a real Envoy at the other end, and resources made by hand. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import type { ResourceType } from '../../src/translate/resource.ts';
import type { Protocol } from '../../src/xds/session.ts';
import { XdsServer } from '../../src/xds/xds.ts';
import { type EnvoyProcess, startEnvoy } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { EMPTY_MODEL, type FakeOptions, FakeWorld, NO_CHANGE } from '../support/xds/fake-world.ts';
import { SilentObserver } from '../support/xds/observer.ts';

const ADS = { ads: {}, resource_api_version: 'V3' };
const TYPE = 'type.googleapis.com/envoy.extensions.filters';

class App implements AsyncDisposable {
  readonly #server: Server;

  constructor(name: string) {
    this.#server = createServer((_request, response) => response.end(name)).listen(0, '127.0.0.1');
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** A control plane that can be killed and comes back on the same port, with the same world. */
class ControlPlane implements AsyncDisposable {
  readonly world = new FakeWorld();
  observer = new SilentObserver();
  #server: XdsServer | undefined;
  #port = 0;

  get port(): number {
    return this.#port;
  }

  get server(): XdsServer {
    if (this.#server === undefined) throw new Error('The control plane is not there.');
    return this.#server;
  }

  async start(): Promise<void> {
    this.observer = new SilentObserver();
    this.#server = new XdsServer({
      settings: { carriers: DEFAULT_CARRIERS, lua: '' },
      createTranslation: () => this.world.translation(),
      observer: this.observer,
      now: Date.now,
    });
    this.#port = (await this.#server.listen({ host: '127.0.0.1', port: this.#port })).port;
    this.publish();
  }

  async stop(): Promise<void> {
    await this.#server?.stop(100);
    this.#server = undefined;
  }

  put(type: ResourceType, name: string, message: object, options: FakeOptions = {}): void {
    const { clusters = [], endpointsName, intercepts = [] } = options;
    this.world.resources.set(`${type} ${name}`, { type, name, message, clusters, endpointsName, intercepts });
  }

  publish(): void {
    this.#server?.publish(EMPTY_MODEL, NO_CHANGE);
  }

  putCluster(name: string, connectTimeout = '1s'): void {
    const message = {
      ...{ name, type: 'EDS', connect_timeout: connectTimeout },
      eds_cluster_config: { service_name: `eds-${name}`, eds_config: ADS },
    };
    this.put('cluster', name, message, { endpointsName: `eds-${name}` });
  }

  putEndpoints(cluster: string, port: number): void {
    const address = { socket_address: { address: '127.0.0.1', port_value: port } };
    this.put('endpoints', `eds-${cluster}`, {
      cluster_name: `eds-${cluster}`,
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    });
  }

  putBadEndpoints(cluster: string): void {
    const address = { socket_address: { address: 'no-address', port_value: 1 } };
    this.put('endpoints', `eds-${cluster}`, {
      cluster_name: `eds-${cluster}`,
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    });
  }

  putRoute(cluster: string): void {
    const routes = [{ match: { prefix: '/' }, route: { cluster } }];
    const message = { name: 'routes', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] };
    this.put('route', 'routes', message, { clusters: [cluster] });
  }

  putListener(port: number): void {
    const router = { name: 'router', typed_config: { '@type': `${TYPE}.http.router.v3.Router` } };
    const manager = {
      '@type': `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`,
      stat_prefix: 'test',
      rds: { route_config_name: 'routes', config_source: ADS },
      http_filters: [router],
    };
    const filter_chains = [{ filters: [{ name: 'http', typed_config: manager }] }];
    this.put('listener', 'main', {
      name: 'main',
      address: { socket_address: { address: '127.0.0.1', port_value: port } },
      filter_chains,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

function bootstrap(port: number, protocol: Protocol): object {
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const http2 = {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  };
  const xds = {
    ...{ name: 'xds', type: 'STATIC', connect_timeout: '1s', typed_extension_protocol_options: http2 },
    load_assignment: { cluster_name: 'xds', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
  return {
    node: { id: 'hand-made', cluster: 'test' },
    static_resources: { clusters: [xds] },
    dynamic_resources: {
      ads_config: {
        api_type: protocol === 'sotw' ? 'GRPC' : 'DELTA_GRPC',
        transport_api_version: 'V3',
        grpc_services: [
          {
            envoy_grpc: {
              cluster_name: 'xds',
              retry_policy: { retry_back_off: { base_interval: '0.05s', max_interval: '0.1s' } },
            },
          },
        ],
      },
      cds_config: ADS,
      lds_config: ADS,
    },
  };
}

async function get(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/`);
  return response.status === 200 ? await response.text() : `${response.status}`;
}

/** Requests on three connections, until it is stopped; says how each was answered, other than 200. */
class Load {
  readonly failures: string[] = [];
  answered = 0;
  #isOn = true;
  readonly #done: Promise<unknown>;

  constructor(port: number) {
    this.#done = Promise.all([1, 2, 3].map(() => this.#run(port)));
  }

  async stop(): Promise<void> {
    this.#isOn = false;
    await this.#done;
  }

  async #run(port: number): Promise<void> {
    while (this.#isOn) {
      const answer = await get(port).catch(String);
      this.answered += 1;
      if (!answer.startsWith('app')) this.failures.push(answer);
    }
  }
}

async function started(
  plane: ControlPlane,
  protocol: Protocol,
  app: App,
): Promise<{ readonly envoy: EnvoyProcess; readonly port: number }> {
  const port = await freePort();
  plane.putCluster('one');
  plane.putEndpoints('one', app.port);
  plane.putRoute('one');
  plane.putListener(port);
  await plane.start();
  const envoy = await startEnvoy({ config: bootstrap(plane.port, protocol) });
  await until('the listener', async () => (await get(port)) === 'app 1');
  return { envoy, port };
}

const isQuiet = (plane: ControlPlane): boolean =>
  plane.server.proxies().every(({ types }) => types.every(({ pending }) => !pending));

describe.each<Protocol>(['sotw', 'delta'])('a real Envoy, %s', (protocol) => {
  it('gets a working listener, follows changes, and warms a changed cluster at once (M2, M3)', async () => {
    await using one = new App('app 1');
    await using two = new App('app 2');
    await using plane = new ControlPlane();
    const { envoy, port } = await started(plane, protocol, one);
    await using _ = envoy;
    plane.putEndpoints('one', two.port);
    plane.publish();
    await until('the new endpoint', async () => (await get(port)) === 'app 2');
    for (const timeout of ['2s', '3s', '4s']) {
      plane.putCluster('one', timeout);
      plane.publish();
      await until(
        'the changed cluster',
        async () => (await envoy.admin('/config_dump')).includes(`"connect_timeout": "${timeout}"`),
        5_000,
      );
      await until('no cluster to warm', async () => (await envoy.stat('cluster_manager.warming_clusters')) === 0, 5_000);
    }
    expect(await get(port)).toBe('app 2');
    await until('all to be acknowledged', () => isQuiet(plane));
    expect(plane.observer.nacks).toEqual([]);
  });

  it('loses no request while clusters are renamed (O1 to O3, M8)', async () => {
    await using one = new App('app 1');
    await using plane = new ControlPlane();
    const { envoy, port } = await started(plane, protocol, one);
    await using _ = envoy;
    const load = new Load(port);
    let previous = 'one';
    for (let index = 0; index < 30; index += 1) {
      const name = `cluster-${index}`;
      plane.putCluster(name);
      plane.putEndpoints(name, one.port);
      plane.putRoute(name);
      plane.world.remove('cluster', previous).remove('endpoints', `eds-${previous}`);
      plane.publish();
      previous = name;
      // Some renames wait for the one before, some come while it is under way.
      if (index % 3 === 0)
        await until(
          'the old clusters to be gone',
          async () => !(await envoy.admin('/clusters')).includes(`cluster-${index - 1}::`),
        );
      const seen = load.answered;
      if (index % 3 === 0) await until('three more answers', () => load.answered >= seen + 3);
    }
    await until('the newest cluster', async () => {
      const clusters = await envoy.admin('/clusters');
      return clusters.includes(`${previous}::`) && !clusters.includes('cluster-28::');
    });
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(load.answered).toBeGreaterThanOrEqual(30);
    expect(plane.observer.nacks).toEqual([]);
  });

  it('goes on without the control plane, and when that is back is sent nothing that it has (C5, C6, F10)', async () => {
    await using one = new App('app 1');
    await using plane = new ControlPlane();
    const { envoy, port } = await started(plane, protocol, one);
    await using _ = envoy;
    await until('all to be acknowledged', () => isQuiet(plane));
    const load = new Load(port);
    await plane.stop();
    await until('Envoy to notice', async () => (await envoy.stat('control_plane.connected_state')) === 0);
    expect(await get(port)).toBe('app 1');
    await plane.start();
    await until('Envoy to ask for everything again', () => plane.server.proxies()[0]?.types.length === 4);
    await until('all to be acknowledged', () => isQuiet(plane));
    const sent = plane.observer.sent.filter(({ resources }) => resources > 0).map(({ type }) => type);
    // State-of-the-World has no way to say which endpoints and routes it has (N11).
    expect(sent.filter((type) => protocol === 'delta' || (type !== 'endpoints' && type !== 'route'))).toEqual([]);
    await load.stop();
    expect(load.failures).toEqual([]);
  });

  it('refuses what is wrong, keeps what it had, and gets all else (N8, N9)', async () => {
    await using one = new App('app 1');
    await using plane = new ControlPlane();
    const { envoy, port } = await started(plane, protocol, one);
    await using _ = envoy;
    // Envoy refuses a cluster whose name is too long for its statistics? No: one whose timeout is not positive.
    plane.put('cluster', 'bad', { name: 'bad', type: 'STATIC', connect_timeout: '0s' });
    plane.putCluster('good');
    plane.putCluster('fine');
    plane.putEndpoints('good', one.port);
    plane.putRoute('good');
    plane.publish();
    await until('the refusal', () => plane.server.rejections().find(({ name }) => name === 'bad'));
    expect(plane.server.rejections()).toMatchObject([{ type: 'cluster', name: 'bad', intercept: undefined }]);
    await until('the good ones', async () => {
      const clusters = await envoy.admin('/clusters');
      return clusters.includes('good::') && clusters.includes('fine::');
    });
    await until('the route', async () => (await envoy.admin('/config_dump')).includes('"cluster": "good"'));
    expect(await get(port)).toBe('app 1');
    const nacks = plane.observer.nacks.length;
    expect(nacks).toBeLessThanOrEqual(3);
    // N8: it is not tried again because something else changes.
    plane.putEndpoints('fine', one.port);
    plane.publish();
    await until('all to be acknowledged', () => isQuiet(plane));
    expect(plane.observer.nacks).toHaveLength(nacks);
  });

  it('takes what is good of what it refuses, and is told when that is taken back (N9)', async () => {
    await using one = new App('app 1');
    await using plane = new ControlPlane();
    const { envoy, port } = await started(plane, protocol, one);
    await using _ = envoy;
    await until('all to be acknowledged', () => isQuiet(plane));
    const load = new Load(port);
    const before = plane.observer.sent.length;
    plane.putCluster('one', '2s');
    plane.put('cluster', 'bad', { name: 'bad', type: 'STATIC', connect_timeout: '0s' });
    plane.publish();
    await until('both to be sent', () => plane.observer.sent.length > before);
    // Before the refusal is read.
    plane.putCluster('one', '1s');
    plane.world.remove('cluster', 'bad');
    plane.publish();
    await until('the refusal', () => plane.observer.nacks.length > 0);
    await until(
      'what was taken to be gone',
      async () => !(await envoy.admin('/config_dump')).includes('"connect_timeout": "2s"'),
    );
    await until('all to be acknowledged', () => isQuiet(plane));
    await load.stop();
    expect(load.failures).toEqual([]);
  });

  it('has the endpoints of before when it refuses new ones while their cluster warms (M3, N9)', async () => {
    await using one = new App('app 1');
    await using two = new App('app 2');
    await using plane = new ControlPlane();
    const { envoy, port } = await started(plane, protocol, one);
    await using _ = envoy;
    await until('all to be acknowledged', () => isQuiet(plane));
    plane.putCluster('one', '2s');
    plane.putBadEndpoints('one');
    plane.publish();
    await until('the refusal', () => plane.server.rejections().find(({ name }) => name === 'eds-one'));
    const isServed = async (): Promise<boolean> => (await get(port)) === 'app 1' && isQuiet(plane);
    await until('the endpoints of before', isServed, 5_000);
    // Where they stand refused, the cluster waits for none of them.
    plane.putCluster('one', '3s');
    plane.publish();
    await until(
      'the changed cluster',
      async () => (await envoy.admin('/config_dump')).includes('"connect_timeout": "3s"'),
      5_000,
    );
    await until('it to be warm', async () => (await envoy.stat('cluster_manager.warming_clusters')) === 0, 5_000);
    expect(await get(port)).toBe('app 1');
    plane.putEndpoints('one', two.port);
    plane.publish();
    await until('good ones', async () => (await get(port)) === 'app 2');
    expect(plane.server.rejections()).toEqual([]);
  });
});
