/** An Envoy of the soak: a connection of its own with one stream, which asks, accepts, refuses, and ends in several ways. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import type { ResourceType } from '../../../src/translate/resource.ts';
import type { Protocol } from '../../../src/xds/session.ts';
import { factsOf } from '../../../src/xds/type-urls.ts';
import { decodeMessage, encodeRequest, unpack } from '../xds/independent.ts';

const SERVICE = '/envoy.service.discovery.v3.AggregatedDiscoveryService';
const METHODS = { sotw: 'StreamAggregatedResources', delta: 'DeltaAggregatedResources' } as const;
const ENVELOPES = { sotw: 'DiscoveryResponse', delta: 'DeltaDiscoveryResponse' } as const;
/** In front of every gRPC message: a flag, and the length. */
const PREFIX = 5;

/** Texts of `node.metadata.detour`, or lists of such. */
type Metadata = Readonly<Record<string, string | readonly Readonly<Record<string, string>>[]>>;

export interface StreamSpec {
  readonly port: number;
  readonly protocol: Protocol;
  /** `node.id`. */
  readonly id: string;
  readonly detour: Metadata;
  /** Asked for at once, all of them; the others follow from what comes. */
  readonly wildcards: readonly ResourceType[];
  /** What resources must not contain to be accepted. */
  readonly refuses?: string;
  /** Takes one KB and then no more. */
  readonly isDeaf?: boolean;
  /** What another stream had. */
  readonly versions?: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

interface TypeState {
  /** Those that are asked for by name. */
  readonly names: Set<string>;
  /** Of what was accepted. */
  readonly versions: Map<string, string>;
  version: string;
}

/** Names of one type are asked for as soon as names of another one come. */
const FOLLOWS: Readonly<Partial<Record<ResourceType, ResourceType>>> = {
  cluster: 'endpoints',
  scopedRoute: 'route',
  listener: 'route',
};
/** So that a gateway's listener, which has its routes by scope, is asked for none. */
const WITHOUT_ROUTES = 'gateway';

export class SoakStream {
  readonly #spec: StreamSpec;
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  readonly #types = new Map<string, TypeState>();
  readonly #asked = new Set<string>();
  #isFirst = true;
  #rest = Buffer.alloc(0);
  #responses = 0;
  #refused = 0;
  #hasEnded = false;

  constructor(spec: StreamSpec) {
    this.#spec = spec;
    const settings = spec.isDeaf === true ? { settings: { initialWindowSize: 1_024 } } : {};
    this.#session = connect(`http://127.0.0.1:${spec.port}`, settings);
    this.#session.on('error', () => {});
    const path = `${SERVICE}/${METHODS[spec.protocol]}`;
    this.#stream = this.#session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    this.#stream.on('error', () => {});
    this.#stream.on('close', () => {
      this.#hasEnded = true;
      this.#session.destroy();
    });
    if (spec.isDeaf === true) this.#stream.pause();
    else this.#stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    for (const type of spec.wildcards) this.#send(factsOf(type).typeUrl, {});
    for (const [typeUrl, versions] of spec.versions ?? []) {
      const isNamed = !spec.wildcards.some((type) => factsOf(type).typeUrl === typeUrl);
      const names = isNamed ? [...versions.keys()] : [];
      for (const name of names) this.#state(typeUrl).names.add(name);
      if (isNamed) this.#send(typeUrl, { names });
    }
  }

  get responses(): number {
    return this.#responses;
  }

  get refused(): number {
    return this.#refused;
  }

  get isDeaf(): boolean {
    return this.#spec.isDeaf === true;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get versions(): ReadonlyMap<string, ReadonlyMap<string, string>> {
    return new Map([...this.#types].map(([typeUrl, { versions }]) => [typeUrl, versions]));
  }

  /** @param how `done`: as gRPC says that it is done; `cancel`: RST_STREAM; `broken`: without a word. */
  end(how: 'done' | 'cancel' | 'broken'): void {
    if (how === 'done') this.#stream.end();
    else if (how === 'cancel') this.#stream.close(constants.NGHTTP2_CANCEL);
    else this.#session.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= PREFIX) {
      const end = PREFIX + this.#rest.readUInt32BE(1);
      if (this.#rest.length < end) return;
      const message = this.#rest.subarray(PREFIX, end);
      this.#rest = this.#rest.subarray(end);
      this.#answer(message);
    }
  }

  #answer(message: Buffer): void {
    const { protocol, refuses } = this.#spec;
    const response = decodeMessage(`envoy.service.discovery.v3.${ENVELOPES[protocol]}`, message);
    const typeUrl: string = response.type_url;
    const state = this.#state(typeUrl);
    this.#responses += 1;
    const isDelta = protocol === 'delta';
    const anys: readonly { readonly type_url: string; readonly value: Buffer }[] = isDelta
      ? response.resources.map((each: { readonly resource: object }) => each.resource)
      : response.resources;
    if (refuses !== undefined && anys.some(({ value }) => value.includes(refuses))) {
      this.#refused += 1;
      this.#send(typeUrl, { nonce: response.nonce, error: `has ${refuses}` });
      return;
    }
    state.version = isDelta ? '' : response.version_info;
    const came: string[] = isDelta ? response.resources.map(takeVersion) : anys.map(nameOf);
    for (const name of response.removed_resources ?? []) state.versions.delete(name);
    this.#send(typeUrl, { nonce: response.nonce });
    this.#askForMore(typeUrl, came);

    function takeVersion({ name, version }: { readonly name: string; readonly version: string }): string {
      state.versions.set(name, version);
      return name;
    }
  }

  #askForMore(typeUrl: string, came: readonly string[]): void {
    const from = (Object.keys(FOLLOWS) as ResourceType[]).find((type) => factsOf(type).typeUrl === typeUrl);
    const to = from === undefined ? undefined : FOLLOWS[from];
    if (to === undefined) return;
    const { names } = this.#state(factsOf(to).typeUrl);
    const more = came.filter((name) => !names.has(name) && !(from === 'listener' && name === WITHOUT_ROUTES));
    for (const name of more) names.add(name);
    if (more.length > 0) this.#send(factsOf(to).typeUrl, { names: more });
  }

  #send(typeUrl: string, { names = [], nonce = '', error }: { names?: readonly string[]; nonce?: string; error?: string }): void {
    const { id, detour, protocol, versions } = this.#spec;
    const had = this.#asked.has(typeUrl) ? undefined : versions?.get(typeUrl);
    this.#asked.add(typeUrl);
    const common = {
      node: this.#isFirst ? { id, metadata: { fields: { detour: { structValue: structOf(detour) } } } } : null,
      type_url: typeUrl,
      response_nonce: nonce,
      error_detail: error === undefined ? null : { code: 3, message: error },
    };
    this.#isFirst = false;
    const message =
      protocol === 'delta'
        ? encodeRequest('DeltaDiscoveryRequest', {
            ...common,
            resource_names_subscribe: names,
            initial_resource_versions: Object.fromEntries(had ?? []),
          })
        : encodeRequest('DiscoveryRequest', {
            ...common,
            resource_names: [...this.#state(typeUrl).names],
            version_info: this.#state(typeUrl).version,
          });
    const frame = Buffer.alloc(PREFIX);
    frame.writeUInt32BE(message.length, 1);
    this.#stream.write(Buffer.concat([frame, message]));
  }

  #state(typeUrl: string): TypeState {
    const state = this.#types.get(typeUrl) ?? { names: new Set(), versions: new Map(), version: '' };
    this.#types.set(typeUrl, state);
    return state;
  }
}

function nameOf(any: { readonly type_url: string; readonly value: Buffer }): string {
  const { name, cluster_name } = unpack(any);
  return name || cluster_name;
}

function structOf(fields: Readonly<Record<string, Metadata[string]>>): object {
  const valueOf = (value: Metadata[string]): object =>
    typeof value === 'string'
      ? { stringValue: value }
      : { listValue: { values: value.map((each) => ({ structValue: structOf(each) })) } };
  return { fields: Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, valueOf(value)])) };
}
