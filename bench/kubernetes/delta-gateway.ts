/** A gateway without an Envoy: subscribes by delta ADS as Envoy does, accepts all that comes, and counts. */
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { encodeRequest } from '../../test/support/xds/independent.ts';
import { GATEWAY_NODE } from './cluster-objects.ts';
import { type DeltaMessage, readDeltaMessage } from './delta-message.ts';

const METHOD = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
const TYPE = 'type.googleapis.com/envoy.config.';
const CLUSTER = `${TYPE}cluster.v3.Cluster`;
const ENDPOINTS = `${TYPE}endpoint.v3.ClusterLoadAssignment`;
const LISTENER = `${TYPE}listener.v3.Listener`;
const SCOPED_ROUTE = `${TYPE}route.v3.ScopedRouteConfiguration`;
const ROUTE = `${TYPE}route.v3.RouteConfiguration`;

const NODE = {
  id: GATEWAY_NODE,
  metadata: { fields: { detour: { structValue: { fields: { listen: { stringValue: '0.0.0.0:8080' } } } } } },
};

/** `resource` came and was accepted. */
export type OnAccepted = (typeUrl: string, names: readonly string[]) => void;

export class DeltaGateway implements Disposable {
  readonly #client: Client;
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;
  readonly #onAccepted: OnAccepted;
  /** Names that are there, by type. */
  readonly #names = new Map<string, Set<string>>();
  bytes = 0;

  constructor(port: number, onAccepted: OnAccepted, onEnd: (reason: string) => void) {
    // Each has a connection of its own, as Envoys have.
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.max_receive_message_length': -1,
    });
    this.#onAccepted = onAccepted;
    const same = (bytes: Buffer): Buffer => bytes;
    this.#stream = this.#client.makeBidiStreamRequest(METHOD, same, same);
    this.#stream.on('error', (error) => onEnd(error.message));
    this.#stream.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#send({ type_url: CLUSTER, node: NODE });
  }

  /** How many resources of each type there are. */
  get counts(): Readonly<Record<'clusters' | 'endpoints' | 'scopes' | 'routes', number>> {
    const count = (type: string): number => this.#names.get(type)?.size ?? 0;
    return { clusters: count(CLUSTER), endpoints: count(ENDPOINTS), scopes: count(SCOPED_ROUTE), routes: count(ROUTE) };
  }

  #take(bytes: Buffer): void {
    this.bytes += bytes.length;
    const message = readDeltaMessage(bytes);
    const { typeUrl, nonce, names, removed } = message;
    const known = this.#names.get(typeUrl) ?? new Set();
    const isFirst = known.size === 0;
    const added = names.filter((name) => !known.has(name));
    for (const name of names) known.add(name);
    for (const name of removed) known.delete(name);
    this.#names.set(typeUrl, known);
    // Envoy asks for endpoints while it warms the clusters, and accepts these then.
    this.#follow(message, added, isFirst);
    this.#send({ type_url: typeUrl, response_nonce: nonce });
    this.#onAccepted(typeUrl, names);
  }

  #follow({ typeUrl, removed }: DeltaMessage, added: readonly string[], isFirst: boolean): void {
    const inner = typeUrl === CLUSTER ? ENDPOINTS : typeUrl === SCOPED_ROUTE ? ROUTE : undefined;
    if (inner !== undefined && added.length + removed.length > 0) {
      this.#send({ type_url: inner, resource_names_subscribe: added, resource_names_unsubscribe: removed });
      for (const name of removed) this.#names.get(inner)?.delete(name);
    }
    if (typeUrl === CLUSTER && isFirst) this.#send({ type_url: LISTENER });
    // The gateway's listener takes its routes by scope.
    if (typeUrl === LISTENER && isFirst) this.#send({ type_url: SCOPED_ROUTE });
  }

  #send(request: object): void {
    this.#stream.write(encodeRequest('DeltaDiscoveryRequest', request));
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
    this.#client.close();
  }
}
