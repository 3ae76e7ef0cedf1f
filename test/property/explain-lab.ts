/** Three real Envoys (a gateway, two sidecars) at a control plane in this process, and every pod of the cluster. */
import { readFile } from 'node:fs/promises';
import { Agent, createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { bootstrap } from '../../src/envoy-bootstrap.ts';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import type { Carriers } from '../../src/model/carriers.ts';
import type { ClusterChange } from '../../src/model/cluster-state.ts';
import type { InterceptModel } from '../../src/model/intercept.ts';
import { type ObjectKey, splitObjectKey } from '../../src/model/names.ts';
import type { EnvoyProxy } from '../../src/model/node.ts';
import type { Scope, SocketAddress } from '../../src/model/proxy.ts';
import { scopeOf } from '../../src/translate/scope.ts';
import { type TranslateSettings, Translator } from '../../src/translate/translate.ts';
import { type XdsObserver, XdsServer } from '../../src/xds/xds.ts';
import { type ClusterObject, keyOf, puts, removes } from '../support/builders.ts';
import { type EnvoyProcess, startEnvoy } from '../support/envoy.ts';
import { freePorts } from '../support/ports.ts';
import { until } from '../support/until.ts';
import type { Entrance, GeneratedRequest } from './arbitrary-request.ts';
import {
  type AppPorts,
  BASELINE_POD,
  CORS_ORIGIN,
  GATEWAY_NAMESPACE,
  POD_ADDRESSES,
  PREVIEW_DOMAIN,
  PREVIEW_POD,
} from './arbitrary-world.ts';

export const CARRIERS: Carriers = {
  header: 'x-detour',
  member: 'detour',
  headerAliases: ['x-alias'],
  memberAliases: ['alias-member'],
};

/** What an application saw of a request. */
export interface Arrival {
  readonly ip: string;
  readonly port: number;
  /** Names in lower case, values as bytes; several lines joined by `,`. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface Observed {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** undefined: no application answered. */
  readonly arrival: Arrival | undefined;
}

interface Door {
  readonly proxy: EnvoyProxy;
  readonly listen: SocketAddress;
  readonly listener: { readonly kind: 'inbound'; readonly port: number } | { readonly kind: 'outbound' } | undefined;
  /** Where the app of the pod itself is. */
  readonly app: string | undefined;
}

/** Keeps what Envoys refuse. */
function observerOf(refusals: string[]): XdsObserver {
  return {
    streamOpened: () => {},
    nodeClaimedTwice: () => {},
    streamClosed: () => {},
    streamDrained: () => {},
    streamRefused: (_, reason) => refusals.push(reason),
    streamDenied: () => undefined,
    streamSentAway: (_, reason) => refusals.push(reason),
    connectionOpened: () => {},
    connectionClosed: () => {},
    connectionGivenUp: () => {},
    request: () => {},
    ack: () => {},
    nack: (type, { nodeId }, { error }) => refusals.push(`${nodeId} refused a ${type}: ${error}`),
    responseSent: () => {},
    converged: () => {},
  };
}

export class ExplainLab implements AsyncDisposable {
  readonly ports: AppPorts;
  readonly #stack: AsyncDisposableStack;
  readonly #doors: ReadonlyMap<Entrance, Door>;
  readonly #server: XdsServer;
  readonly #refusals: readonly string[];
  readonly #envoys: readonly EnvoyProcess[];
  readonly #engine = new InterceptEngine({ lingerMs: 0 });
  readonly #arrivals: Arrivals;
  #objects: readonly ClusterObject[] = [];
  #agent = new Agent();
  #now = Date.parse('2030-01-01T00:00:00Z');
  #requests = 0;
  #live = false;

  constructor(stack: AsyncDisposableStack, parts: LabParts) {
    this.#stack = stack;
    this.ports = parts.ports;
    this.#doors = parts.doors;
    this.#server = parts.server;
    this.#refusals = parts.refusals;
    this.#envoys = parts.envoys;
    this.#arrivals = parts.arrivals;
  }

  get model(): InterceptModel {
    return this.#engine.model;
  }

  door(entrance: Entrance): Door {
    const door = this.#doors.get(entrance);
    if (door === undefined) throw new Error(`there is no entrance ${entrance}`);
    return door;
  }

  scope(entrance: Entrance): Scope {
    return scopeOf(this.door(entrance).proxy, this.model);
  }

  /** Puts these objects in the place of those before, and waits until the Envoys have them. */
  async enter(objects: readonly ClusterObject[]): Promise<void> {
    const kept = new Set(objects.map(identity));
    const left = this.#objects.filter((object) => !kept.has(identity(object)));
    await this.#apply([...removes(...left), ...puts(...objects)]);
    this.#objects = objects;
  }

  async #apply(changes: readonly ClusterChange[]): Promise<void> {
    this.#now += 1_000;
    const change = this.#engine.apply(changes, this.#now);
    this.#server.publish(this.model, change);
    await this.settled();
    // A listener that changed takes new connections only.
    this.#agent.destroy();
    this.#agent = new Agent({ keepAlive: true, maxSockets: 16 });
  }

  /** All that was sent is acknowledged, and nothing more is to be sent. */
  async settled(): Promise<void> {
    let quiet = 0;
    await until('the Envoys to have what was published', async () => {
      for (let turn = 0; turn < 20; turn += 1) {
        await nextTurn();
        if (this.#refusals.length > 0) throw new Error(this.#refusals.join('\n'));
        const proxies = this.#server.proxies();
        const types = proxies.flatMap((proxy) => proxy.types);
        const idle = proxies.length === this.#envoys.length && types.length > 0 && types.every((type) => !type.pending);
        quiet = idle ? quiet + 1 : 0;
        if (quiet > 10) return true;
      }
      return false;
    });
    if (this.#live) return;
    for (const envoy of this.#envoys) await until('Envoy', async () => (await envoy.admin('/ready')).startsWith('LIVE'));
    this.#live = true;
  }

  async ask(request: GeneratedRequest): Promise<{ readonly observed: Observed; readonly id: string }> {
    this.#requests += 1;
    const id = String(this.#requests);
    const { listen } = this.door(request.entrance);
    const headers = [...request.headers, ['test-id', id] as const].flatMap(([name, value]) => [
      name,
      Buffer.from(value).toString('latin1'),
    ]);
    const observed = await new Promise<Observed>((resolve, reject) => {
      const options = {
        host: listen.host,
        port: listen.port,
        agent: this.#agent,
        method: request.method,
        path: request.path,
        headers,
      };
      const call = httpRequest(options, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject);
        response.once('end', () => {
          const body = Buffer.concat(chunks).toString('utf8');
          const arrival = response.headers['x-app'] === 'yes' ? (JSON.parse(body) as Arrival) : undefined;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, arrival });
        });
      });
      call.once('error', reject).end();
    });
    return { observed, id };
  }

  /** Every application that a request came to, the one that answered and those that got copies. */
  arrivals(id: string): readonly Arrival[] {
    return this.#arrivals.of(id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.#stack.disposeAsync();
  }
}

function identity(object: ClusterObject): string {
  const kind = 'controller' in object ? 'pod' : 'endpoints' in object ? 'slice' : 'service';
  return `${kind} ${keyOf(object)}`;
}

interface LabParts {
  readonly ports: AppPorts;
  readonly doors: ReadonlyMap<Entrance, Door>;
  readonly server: XdsServer;
  readonly refusals: readonly string[];
  readonly envoys: readonly EnvoyProcess[];
  readonly arrivals: Arrivals;
}

class Arrivals {
  readonly #byId = new Map<string, Arrival[]>();

  of(id: string): readonly Arrival[] {
    return this.#byId.get(id) ?? [];
  }

  note(id: string, arrival: Arrival): void {
    const arrivals = this.#byId.get(id);
    if (arrivals === undefined) this.#byId.set(id, [arrival]);
    else arrivals.push(arrival);
  }
}

const BASELINE_APP = '127.9.0.1';
const PREVIEW_APP = '127.9.0.2';

export async function startExplainLab(): Promise<ExplainLab> {
  await using stack = new AsyncDisposableStack();
  const [http, admin, gateway, inbound, outbound, ownInbound, ownOutbound] = (await freePorts(7)) as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const arrivals = new Arrivals();
  for (const ip of [...POD_ADDRESSES, BASELINE_APP, PREVIEW_APP]) {
    for (const port of [http, admin]) stack.use(await startApp(ip, port, arrivals));
  }

  const lua = await readFile(new URL('../../envoy/detour.lua', import.meta.url), 'utf8');
  const settings: TranslateSettings = { carriers: CARRIERS, lua };
  const translator = new Translator(settings);
  const refusals: string[] = [];
  const server = stack.use(
    new XdsServer({
      settings,
      createTranslation: (scope) => translator.scope(scope),
      observer: observerOf(refusals),
      now: Date.now,
    }),
  );
  const xds = [await server.listen({ host: '127.0.0.1', port: 0 })];

  const doors = doorsOf({ http, gateway, inbound, outbound, ownInbound, ownOutbound });
  const proxies = new Set([...doors.values()].map((door) => door.proxy));
  const admin0 = { host: '127.0.0.1', port: 0 };
  const envoys: EnvoyProcess[] = [];
  for (const proxy of proxies) {
    envoys.push(stack.use(await startEnvoy({ config: bootstrap({ proxy, xds, admin: admin0, protocol: 'delta' }) })));
  }
  return new ExplainLab(stack.move(), { ports: { http, admin }, doors, server, refusals, envoys, arrivals });
}

interface DoorPorts {
  readonly http: number;
  readonly gateway: number;
  readonly inbound: number;
  readonly outbound: number;
  readonly ownInbound: number;
  readonly ownOutbound: number;
}

function doorsOf(ports: DoorPorts): ReadonlyMap<Entrance, Door> {
  const local = (port: number): SocketAddress => ({ host: '127.0.0.1', port });
  const gateway: EnvoyProxy = {
    role: 'gateway',
    namespace: GATEWAY_NAMESPACE,
    name: 'edge',
    listen: local(ports.gateway),
    previewDomain: PREVIEW_DOMAIN,
    corsOrigins: [CORS_ORIGIN],
  };
  const sidecar = (pod: ObjectKey, app: string, inbound: number, outbound: number): EnvoyProxy => ({
    role: 'sidecar',
    ...splitObjectKey(pod),
    inbound: [{ listen: local(inbound), app: { host: app, port: ports.http } }],
    outbound: local(outbound),
    services: ['pay/api'],
  });
  const baseline = sidecar(BASELINE_POD, BASELINE_APP, ports.inbound, ports.outbound);
  const own = sidecar(PREVIEW_POD, PREVIEW_APP, ports.ownInbound, ports.ownOutbound);
  const inward = (proxy: EnvoyProxy, port: number, app: string): Door => ({
    proxy,
    listen: local(port),
    listener: { kind: 'inbound', port },
    app,
  });
  const outward = (proxy: EnvoyProxy, port: number): Door => ({
    proxy,
    listen: local(port),
    listener: { kind: 'outbound' },
    app: undefined,
  });
  return new Map<Entrance, Door>([
    ['gateway', { proxy: gateway, listen: local(ports.gateway), listener: undefined, app: undefined }],
    ['inbound', inward(baseline, ports.inbound, BASELINE_APP)],
    ['outbound', outward(baseline, ports.outbound)],
    ['own-inbound', inward(own, ports.ownInbound, PREVIEW_APP)],
    ['own-outbound', outward(own, ports.ownOutbound)],
  ]);
}

/** Answers with what it saw, and keeps it. */
async function startApp(ip: string, port: number, arrivals: Arrivals): Promise<AsyncDisposable> {
  const server: Server = createServer((request, response) => {
    const headers: Record<string, string> = {};
    for (let index = 0; index < request.rawHeaders.length; index += 2) {
      const name = (request.rawHeaders[index] ?? '').toLowerCase();
      const value = request.rawHeaders[index + 1] ?? '';
      headers[name] = name in headers ? `${headers[name]},${value}` : value;
    }
    const arrival = { ip, port, headers };
    arrivals.note(headers['test-id'] ?? '', arrival);
    response.setHeader('x-app', 'yes').end(JSON.stringify(arrival));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, ip, resolve));
  return {
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
