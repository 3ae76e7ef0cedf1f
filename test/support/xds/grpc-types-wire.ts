/** Streams for each type over gRPC, opened when the type is asked for, as one wire. */
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { decodeDeltaRequest, decodeSotwRequest } from '../../../src/xds/codec.ts';
import type { Protocol } from '../../../src/xds/session.ts';
import { factsOfUrl, PUSH_ORDER } from '../../../src/xds/type-urls.ts';
import { until } from '../until.ts';
import type { Wire } from './client.ts';
import type { SilentObserver } from './observer.ts';

export const SERVICES = {
  cluster: ['cluster.v3.ClusterDiscoveryService', 'Clusters'],
  endpoints: ['endpoint.v3.EndpointDiscoveryService', 'Endpoints'],
  listener: ['listener.v3.ListenerDiscoveryService', 'Listeners'],
  route: ['route.v3.RouteDiscoveryService', 'Routes'],
  scopedRoute: ['route.v3.ScopedRoutesDiscoveryService', 'ScopedRoutes'],
} as const;

/** Of the method that serves a type. */
export function pathOfType(type: keyof typeof SERVICES, protocol: Protocol): string {
  const [service, suffix] = SERVICES[type];
  return `/envoy.service.${service}/${protocol === 'sotw' ? 'Stream' : 'Delta'}${suffix}`;
}

/** What went over all wires of a harness, in both directions: whether the server has dealt with it is known by its observer. */
export class Traffic {
  readonly #observer: SilentObserver;
  sent = 0;
  received = 0;

  constructor(observer: SilentObserver) {
    this.#observer = observer;
  }

  /** Everything is said. */
  async quiet(): Promise<void> {
    const isQuiet = (): boolean => this.sent === this.#observer.requests && this.received === this.#observer.sent.length;
    await until('everything to be said', async () => {
      // What follows from a request or a change is said a turn or two later.
      for (let turn = 0; turn < 5; turn += 1) {
        if (!isQuiet()) return false;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return isQuiet();
    });
  }
}

export class GrpcTypesWire implements Wire {
  readonly isByType = true;
  readonly #protocol: Protocol;
  readonly #open: (path: string) => ClientDuplexStream<Buffer, Buffer>;
  readonly #traffic: Traffic;
  readonly #calls = new Map<string, ClientDuplexStream<Buffer, Buffer>>();
  readonly #received = new Map<string, Buffer[]>();

  constructor(protocol: Protocol, open: (path: string) => ClientDuplexStream<Buffer, Buffer>, traffic: Traffic) {
    this.#protocol = protocol;
    this.#open = open;
    this.#traffic = traffic;
  }

  send(bytes: Buffer): void {
    const { typeUrl } = this.#protocol === 'sotw' ? decodeSotwRequest(bytes) : decodeDeltaRequest(bytes);
    this.#traffic.sent += 1;
    (this.#calls.get(typeUrl) ?? this.#call(typeUrl)).write(bytes);
  }

  async receive(): Promise<Buffer> {
    const bytes = await this.unexpected();
    if (bytes === undefined) throw new Error('Nothing came, and something was expected.');
    return bytes;
  }

  /** Nothing orders the streams; so that scenarios can say what comes next, they are looked at in push order. */
  async unexpected(): Promise<Buffer | undefined> {
    await this.#traffic.quiet();
    for (const { typeUrl } of PUSH_ORDER) {
      const bytes = this.#received.get(typeUrl)?.shift();
      if (bytes !== undefined) return bytes;
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const call of this.#calls.values()) call.cancel();
  }

  #call(typeUrl: string): ClientDuplexStream<Buffer, Buffer> {
    const type = factsOfUrl(typeUrl)?.type;
    if (type === undefined) throw new Error(`There is no service for ${typeUrl}.`);
    const call = this.#open(pathOfType(type, this.#protocol));
    const received: Buffer[] = [];
    call.on('data', (bytes: Buffer) => {
      this.#traffic.received += 1;
      received.push(bytes);
    });
    call.on('error', () => undefined);
    this.#calls.set(typeUrl, call);
    this.#received.set(typeUrl, received);
    return call;
  }
}
