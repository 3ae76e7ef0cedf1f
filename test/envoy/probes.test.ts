/** The listener for what watches over an Envoy: what it shows, what it hides, and how a drain goes. */
import { Agent, type IncomingMessage, request } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { DRAIN_SECONDS, probeClusters, probeListener } from '../../src/envoy-probes.ts';
import { startEnvoy } from '../support/envoy.ts';
import { freePorts } from '../support/ports.ts';
import { until } from '../support/until.ts';

const MANAGER = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';

/** A listener that answers everything itself, in the place of what comes from the control plane. */
function appListener(port: number): object {
  const route_config = {
    virtual_hosts: [{ name: 'app', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] }],
  };
  const http_filters = [{ name: 'router', typed_config: { '@type': ROUTER } }];
  const manager = { '@type': MANAGER, stat_prefix: 'app', http_filters, route_config };
  return {
    name: 'app',
    address: { socket_address: { address: '127.0.0.1', port_value: port } },
    filter_chains: [{ filters: [{ name: 'manager', typed_config: manager }] }],
  };
}

test('/ready, /stats/prometheus and /drain are there, and nothing else of the admin endpoint', async () => {
  const [probes = 0, app = 0, adminPort = 0] = await freePorts(3);
  const admin = { host: '127.0.0.1', port: adminPort };
  const listeners = [probeListener({ host: '127.0.0.1', port: probes }), appListener(app)];
  const config = { static_resources: { listeners, clusters: probeClusters(admin) } };
  // What is waited for in a pod is too long for a test.
  const quick: typeof config = JSON.parse(JSON.stringify(config).replaceAll(`"${DRAIN_SECONDS}s"`, '"1s"'));
  const args = ['--drain-time-s', '1', '--drain-strategy', 'immediate'];
  await using _envoy = await startEnvoy({ config: quick, adminPort, args });
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`http://127.0.0.1:${probes}${path}`, { method });
    return { status: response.status, body: await response.text() };
  };

  await until('/ready to answer', async () => (await ask('/ready')).status === 200);
  expect((await ask('/ready')).body).toBe('LIVE\n');
  expect((await ask('/stats/prometheus')).body).toContain('envoy_server_live');
  const hidden = ['/', '/config_dump', '/quitquitquit', '/drain_listeners', '/ready/x', '/stats'];
  for (const path of hidden) expect([path, (await ask(path, 'POST')).status]).toEqual([path, 404]);

  using agent = new KeptAlive();
  expect((await agent.ask(app)).headers.connection).toBeUndefined();
  const began = performance.now();
  const drain = ask('/drain').then((answer) => ({ ...answer, took: performance.now() - began }));
  await until('a connection to be ended after its reply', async () => (await agent.ask(app)).headers.connection === 'close');
  const { status, body, took } = await drain;
  expect({ status, body }).toEqual({ status: 200, body: 'drained\n' });
  expect(took).toBeGreaterThanOrEqual(990);
});

/** Keeps a connection alive as long as the server does. */
class KeptAlive implements Disposable {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  async ask(port: number): Promise<IncomingMessage> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request({ host: '127.0.0.1', port, agent: this.#agent }, resolve).once('error', reject).end();
    });
    await text(response);
    return response;
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
