/** A client of the tests: says what it wants in one language, State-of-the-World or delta, and checks what it gets. */
import { expect } from 'vitest';
import type { ResourceType } from '../../../src/translate/resource.ts';
import type { Protocol } from '../../../src/xds/session.ts';
import { factsOf, factsOfUrl } from '../../../src/xds/type-urls.ts';
import { contentOf } from './fake-world.ts';
import { decodeMessage, encodeRequest, unpack } from './independent.ts';

export interface Reply {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  /** Name to content, in the order of the response. */
  readonly resources: Readonly<Record<string, string>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly removed: readonly string[];
  readonly bytes: number;
}

/** Carries bytes to a server, or to a session in this process. */
export interface Wire extends AsyncDisposable {
  /** A stream for each type: the first request on each says who the client is. */
  readonly isByType?: boolean;
  send(bytes: Buffer): void;
  /** The next response; rejects when there is none. */
  receive(): Promise<Buffer>;
  /** Resolves to a response that should not have come, or undefined when all that was sent is dealt with. */
  unexpected(client: Client): Promise<Buffer | undefined>;
}

interface TypeState {
  readonly names: Set<string>;
  nonce: string;
  version: string;
}

export interface RawRequest {
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly names?: readonly string[];
  readonly nonce?: string;
  readonly version?: string;
  readonly error?: string;
  readonly initial?: Readonly<Record<string, string>>;
  readonly node?: object | null;
  /** In place of the type's own. */
  readonly typeUrl?: string;
}

const NODE = { id: 'test-client', cluster: 'test' };

export class Client {
  readonly protocol: Protocol;
  readonly wire: Wire;
  readonly #types = new Map<string, TypeState>();
  #node: object | null;

  constructor(protocol: Protocol, wire: Wire, node: object = NODE) {
    this.protocol = protocol;
    this.wire = wire;
    this.#node = node;
  }

  static urlOf(type: ResourceType | string): string {
    return type.includes('/') ? type : factsOf(type as ResourceType).typeUrl;
  }

  /** Asks for names in addition to those it has asked for; no names: for everything, the old way. */
  subscribe(type: ResourceType | string, names: readonly string[] = [], more: RawRequest = {}): void {
    const state = this.#state(type);
    for (const name of names) state.names.add(name);
    if (this.protocol === 'delta') this.raw(type, { subscribe: names, ...more });
    else this.raw(type, { names: [...state.names], nonce: state.nonce, version: state.version, ...more });
  }

  unsubscribe(type: ResourceType | string, names: readonly string[], more: RawRequest = {}): void {
    const state = this.#state(type);
    for (const name of names) state.names.delete(name);
    if (this.protocol === 'delta') this.raw(type, { unsubscribe: names, ...more });
    else this.raw(type, { names: [...state.names], nonce: state.nonce, version: state.version, ...more });
  }

  ack(reply: Reply, more: RawRequest = {}): void {
    const state = this.#state(reply.typeUrl);
    state.nonce = reply.nonce;
    state.version = reply.version;
    this.raw(reply.typeUrl, { names: [...state.names], nonce: reply.nonce, version: reply.version, ...more });
  }

  nack(reply: Reply, error = 'no', more: RawRequest = {}): void {
    const state = this.#state(reply.typeUrl);
    state.nonce = reply.nonce;
    this.raw(reply.typeUrl, { names: [...state.names], nonce: reply.nonce, version: state.version, error, ...more });
  }

  raw(type: ResourceType | string, request: RawRequest): void {
    const { subscribe, unsubscribe, names, nonce = '', version = '', error, initial = {}, node = this.#node } = request;
    const typeUrl = request.typeUrl ?? Client.urlOf(type);
    if (this.wire.isByType !== true) this.#node = null;
    const common = {
      node,
      type_url: typeUrl,
      response_nonce: nonce,
      error_detail: error === undefined ? null : { code: 3, message: error },
    };
    this.wire.send(
      this.protocol === 'delta'
        ? encodeRequest('DeltaDiscoveryRequest', {
            ...common,
            resource_names_subscribe: subscribe ?? [],
            resource_names_unsubscribe: unsubscribe ?? [],
            initial_resource_versions: initial,
          })
        : encodeRequest('DiscoveryRequest', { ...common, resource_names: names ?? [], version_info: version }),
    );
  }

  async next(): Promise<Reply> {
    return this.read(await this.wire.receive());
  }

  /** The next response, of this type, with just these resources (name to content) and removed names. */
  async expect(
    type: ResourceType | string,
    resources: Readonly<Record<string, string>>,
    removed: readonly string[] = [],
  ): Promise<Reply> {
    const reply = await this.next();
    expect({ type: reply.typeUrl, resources: reply.resources, removed: [...reply.removed].sort() }).toEqual({
      type: Client.urlOf(type),
      resources,
      removed: this.protocol === 'delta' ? [...removed].sort() : [],
    });
    return reply;
  }

  /** The same, and accepts it. */
  async take(
    type: ResourceType | string,
    resources: Readonly<Record<string, string>>,
    removed: readonly string[] = [],
  ): Promise<Reply> {
    const reply = await this.expect(type, resources, removed);
    this.ack(reply);
    return reply;
  }

  /** Nothing more is said to what was asked so far. */
  async silent(): Promise<void> {
    const bytes = await this.wire.unexpected(this);
    expect(bytes === undefined ? undefined : this.read(bytes)).toBeUndefined();
  }

  read(bytes: Buffer): Reply {
    const isDelta = this.protocol === 'delta';
    const message = decodeMessage(
      `envoy.service.discovery.v3.${isDelta ? 'DeltaDiscoveryResponse' : 'DiscoveryResponse'}`,
      bytes,
    );
    const type = factsOfUrl(message.type_url)?.type;
    const resources: Record<string, string> = {};
    const versions: Record<string, string> = {};
    for (const each of message.resources) {
      const any = isDelta ? each.resource : each;
      const body = unpack(any);
      const name: string = body.name || body.cluster_name;
      // S5, S6: every response is checked for both.
      expect(any.type_url).toBe(message.type_url);
      expect(resources).not.toHaveProperty([name]);
      if (isDelta) expect(each.name).toBe(name);
      resources[name] = type === undefined ? '' : contentOf(type, body);
      versions[name] = isDelta ? each.version : '';
    }
    const removed: string[] = message.removed_resources ?? [];
    for (const name of removed) expect(resources).not.toHaveProperty([name]);
    const version = isDelta ? message.system_version_info : message.version_info;
    return { typeUrl: message.type_url, nonce: message.nonce, version, resources, versions, removed, bytes: bytes.length };
  }

  #state(type: ResourceType | string): TypeState {
    const url = Client.urlOf(type);
    const state = this.#types.get(url) ?? { names: new Set(), nonce: '', version: '' };
    this.#types.set(url, state);
    return state;
  }
}
