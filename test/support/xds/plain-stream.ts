/** An aggregated stream that says what it is told to say: for clients that mean no good. */
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js';
import { decodeMessage, encodeRequest } from './independent.ts';

const SERVICE = '/envoy.service.discovery.v3.AggregatedDiscoveryService';

export const TYPES = {
  clusters: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoints: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listeners: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  routes: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
} as const;

export interface PlainNode {
  readonly id: string;
  /** As in a protobuf Struct. */
  readonly metadata?: object;
}

export class PlainStream implements Disposable {
  /** Why it ended. */
  end: string | undefined;
  /** Of the newest answer. */
  nonce = '';
  /** Of the answers, in their order. */
  readonly types: string[] = [];
  /** Delta: names of resources that came, with their bytes; and of those that were said not to be there. */
  readonly resources = new Map<string, Buffer>();
  readonly removed = new Set<string>();
  readonly #client: Client;
  readonly #kind: 'sotw' | 'delta';
  readonly #node: PlainNode;
  readonly #accepts: boolean;
  readonly #stream: ClientDuplexStream<Buffer, Buffer>;

  /** @param accepts whether it accepts, by delta, what comes: the rest comes then */
  constructor(kind: 'sotw' | 'delta', port: number, node: PlainNode, accepts = false) {
    this.#accepts = accepts;
    this.#kind = kind;
    this.#node = node;
    const same = (bytes: Buffer): Buffer => bytes;
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
    const method = kind === 'sotw' ? 'StreamAggregatedResources' : 'DeltaAggregatedResources';
    this.#stream = this.#client.makeBidiStreamRequest(`${SERVICE}/${method}`, same, same);
    this.#stream.on('error', (error) => {
      this.end = error.message;
    });
    this.#stream.on('data', (bytes: Buffer) => this.#receive(bytes));
  }

  /** @param more fields of the request, over the others */
  ask(typeUrl: string, names: readonly string[], more: object = {}): void {
    const asked = this.#kind === 'sotw' ? { resource_names: names } : { resource_names_subscribe: names };
    const name = this.#kind === 'sotw' ? 'DiscoveryRequest' : 'DeltaDiscoveryRequest';
    this.#stream.write(encodeRequest(name, { node: this.#node, type_url: typeUrl, ...asked, ...more }));
  }

  #receive(bytes: Buffer): void {
    const name = `envoy.service.discovery.v3.${this.#kind === 'sotw' ? 'DiscoveryResponse' : 'DeltaDiscoveryResponse'}`;
    const { type_url, nonce, resources, removed_resources = [] } = decodeMessage(name, bytes);
    this.types.push(type_url);
    this.nonce = nonce;
    if (this.#kind === 'sotw') return;
    for (const each of resources) this.resources.set(`${type_url} ${each.name}`, each.resource.value);
    for (const each of removed_resources) this.removed.add(`${type_url} ${each}`);
    if (this.#accepts) this.#stream.write(encodeRequest('DeltaDiscoveryRequest', { type_url, response_nonce: nonce }));
  }

  [Symbol.dispose](): void {
    this.#stream.cancel();
    this.#client.close();
  }
}
