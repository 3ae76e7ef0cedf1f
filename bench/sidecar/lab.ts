/** An app, and every way to it that is compared: nothing between, a plain Envoy, and Detour's sidecars on either side. */
import { readFile } from 'node:fs/promises';
import { bootstrap } from '../../src/envoy-bootstrap.ts';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import type { EnvoyProxy } from '../../src/model/node.ts';
import type { SocketAddress } from '../../src/model/proxy.ts';
import { createScopeTranslation } from '../../src/translate/translate.ts';
import { XdsServer } from '../../src/xds/xds.ts';
import { anEndpoint, aPod, aPort, aService, aSlice, puts } from '../../test/support/builders.ts';
import { type EnvoyProcess, startEnvoy } from '../../test/support/envoy.ts';
import { freePorts } from '../../test/support/ports.ts';
import { until } from '../../test/support/until.ts';
import { ask } from '../../test/support/world/client.ts';
import { SilentObserver } from '../../test/support/xds/observer.ts';
import { previewKey } from '../replies.ts';

/** What the app answers, whoever asks. */
export const BODY = 'app';
export const SIZES = [1, 1_000] as const;
const LOCAL = '127.0.0.1';

/** One way to the app. */
export interface Way {
  readonly title: string;
  readonly port: number;
  /** Whose processor time it costs; undefined: nobody's. */
  readonly envoy: EnvoyProcess | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Lab extends AsyncDisposable {
  /** Nothing first, then the plain Envoy, then the sidecars. */
  readonly ways: readonly Way[];
}

export async function openLab(say: (line: string) => void): Promise<Lab> {
  await using stack = new AsyncDisposableStack();
  const [appPort = 0, plainPort = 0] = await freePorts(2);
  say('starting the app and a plain Envoy…');
  stack.use(await startEnvoy({ config: answering(appPort) }));
  const plain = stack.use(await startEnvoy({ config: passing(plainPort, appPort) }));
  const lua = await readFile(new URL('../../envoy/detour.lua', import.meta.url), 'utf8');
  const settings = { carriers: DEFAULT_CARRIERS, lua };
  const observer = new SilentObserver();
  const server = stack.use(new XdsServer({ settings, createTranslation: createScopeTranslation, observer, now: Date.now }));
  const xds = await server.listen({ host: LOCAL, port: 0 });
  const engine = new InterceptEngine();
  const objects = SIZES.flatMap((size) => service(size, appPort));
  server.publish(engine.model, engine.apply(puts(...objects), Date.now()));

  const ways: Way[] = [
    { title: 'nothing', port: appPort, envoy: undefined, headers: {} },
    { title: 'Envoy, one route for all', port: plainPort, envoy: plain, headers: {} },
  ];
  for (const side of ['inbound', 'outbound'] as const) {
    for (const size of SIZES) {
      say(`starting an ${side} sidecar with ${size.toLocaleString('en')} intercepts…`);
      const { port, envoy } = await sidecar(side, size, appPort, xds);
      stack.use(envoy);
      const many = `${size.toLocaleString('en')} ${size === 1 ? 'intercept' : 'intercepts'}`;
      const key = { 'x-detour': previewKey(size - 1) };
      for (const [what, headers] of [
        ['no key', {}],
        ['key', key],
      ] as const) {
        ways.push({ title: `Detour ${side}, ${many}, ${what}`, port, envoy, headers });
        await arrives(port, headers);
      }
    }
  }
  const running = stack.move();
  return { ways, [Symbol.asyncDispose]: () => running.disposeAsync() };
}

function namespaceOf(size: number): string {
  return `of-${size}`;
}

/** `api` in a namespace of its own, with so many previews; the app is behind all of them. */
function service(size: number, appPort: number) {
  const namespace = namespaceOf(size);
  const endpoint = anEndpoint({ addresses: [LOCAL], pod: `${namespace}/api-0` });
  const pods = Array.from({ length: size }, (_, index) =>
    aPod({ namespace, name: `api-${index}`, previewLabel: previewKey(index), ips: [LOCAL] }),
  );
  return [
    aService({ namespace, ports: [aPort({ appProtocol: 'http', targetPort: appPort })] }),
    aSlice({ namespace, service: `${namespace}/api`, ports: [{ name: 'http', port: appPort }], endpoints: [endpoint] }),
    ...pods,
  ];
}

async function sidecar(
  side: 'inbound' | 'outbound',
  size: number,
  appPort: number,
  xds: SocketAddress,
): Promise<{ readonly port: number; readonly envoy: EnvoyProcess }> {
  const [port = 0] = await freePorts(1);
  const listen = { host: LOCAL, port };
  const common = { role: 'sidecar', namespace: namespaceOf(size), services: [] } as const;
  const proxy: EnvoyProxy =
    side === 'inbound'
      ? { ...common, name: 'api-0', inbound: [{ listen, app: { host: LOCAL, port: appPort } }], outbound: undefined }
      : { ...common, name: 'web-0', inbound: [], outbound: listen };
  const config = bootstrap({ proxy, xds: [xds], admin: { host: LOCAL, port: 0 }, protocol: 'delta' });
  return { port, envoy: await startEnvoy({ config }) };
}

/** And by the copy that is meant: else something else would be measured. */
async function arrives(port: number, headers: Readonly<Record<string, string>>): Promise<void> {
  const copy = headers['x-detour'];
  await until('the sidecar to answer', async () => {
    const reply = await ask(port, { host: 'api', headers });
    return reply.status === 200 && reply.headers['x-detour-served-by'] === copy;
  });
}

/** The app: as cheap as one can be, so that it hides nothing of what is before it. */
function answering(port: number): object {
  return plainEnvoy(port, { direct_response: { status: 200, body: { inline_string: BODY } } }, []);
}

function passing(port: number, appPort: number): object {
  const address = { socket_address: { address: LOCAL, port_value: appPort } };
  const cluster = {
    name: 'app',
    type: 'STATIC',
    load_assignment: { cluster_name: 'app', endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }] },
  };
  return plainEnvoy(port, { route: { cluster: 'app' } }, [cluster]);
}

function plainEnvoy(port: number, action: object, clusters: readonly object[]): object {
  const typed = (name: string): string => `type.googleapis.com/envoy.extensions.filters.${name}`;
  const manager = {
    '@type': typed('network.http_connection_manager.v3.HttpConnectionManager'),
    stat_prefix: 'plain',
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, ...action }] }] },
    http_filters: [{ name: 'envoy.filters.http.router', typed_config: { '@type': typed('http.router.v3.Router') } }],
  };
  const listener = {
    name: 'plain',
    address: { socket_address: { address: LOCAL, port_value: port } },
    filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
  };
  return { static_resources: { listeners: [listener], clusters } };
}
