/** The one door to protobufjs: ProtoJSON to bytes for resources, bytes to plain data for requests. */
import { readFileSync } from 'node:fs';
import protojson from 'protobufjs/ext/protojson.js';
import protobuf from 'protobufjs/light.js';
import { withoutStencils } from '../model/stencil.ts';
import type { ResourceType } from '../translate/resource.ts';
import { ByteWriter } from './byte-writer.ts';
import { canonicalMaps, type MessageShape } from './canonical-maps.ts';
import { writePacked } from './direct-encoder.ts';
import { MessageSchemas } from './message-schemas.ts';
import type { PackedTexts } from './packed-texts.ts';
import type { PackedVersions } from './packed-versions.ts';
import { readDeltaRequest, readSotwRequest } from './request-reader.ts';
import { factsOf } from './type-urls.ts';

/** `npm run gen` makes the descriptor. It is constant data, read once. */
interface Descriptor {
  readonly root: protobuf.Root;
  readonly any: protobuf.Type;
  readonly struct: protobuf.Type;
  readonly node: protobuf.Type;
  readonly rpcStatus: protobuf.Type;
  readonly statusRequest: protobuf.Type;
  readonly schemas: MessageSchemas;
}
let descriptor: Descriptor | undefined;

/** Read with the first message that comes or goes, not with the module: that takes 40 ms, and a cluster is being read. */
function described(): Descriptor {
  descriptor ??= readDescriptor();
  return descriptor;
}

function readDescriptor(): Descriptor {
  const json = readFileSync(new URL('../generated/envoy.json', import.meta.url), 'utf8');
  const root = protobuf.Root.fromJSON(JSON.parse(json) as protobuf.INamespace);
  return {
    root,
    any: root.lookupType('google.protobuf.Any'),
    struct: root.lookupType('google.protobuf.Struct'),
    node: root.lookupType('envoy.config.core.v3.Node'),
    rpcStatus: root.lookupType('google.rpc.Status'),
    statusRequest: root.lookupType('envoy.service.status.v3.ClientStatusRequest'),
    schemas: new MessageSchemas(root),
  };
}

/** Holds nothing between calls. */
const writer = new ByteWriter();

/** The first request of a stream carries it; `metadata` is plain JSON. */
export interface Node {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly userAgent: string;
}

export interface SotwRequest {
  readonly node: Node | undefined;
  readonly typeUrl: string;
  readonly names: PackedTexts;
  readonly version: string;
  readonly nonce: string;
  /** The client's reason, for a NACK; undefined otherwise. */
  readonly error: string | undefined;
}

export interface DeltaRequest {
  readonly node: Node | undefined;
  readonly typeUrl: string;
  readonly subscribe: PackedTexts;
  readonly unsubscribe: PackedTexts;
  readonly initialVersions: PackedVersions;
  readonly nonce: string;
  readonly error: string | undefined;
}

/**
 * The bytes of a `google.protobuf.Any` that holds the resource, nested Any packed. The same for equal messages, in
 * whatever order their maps were filled.
 * @throws Error that names the message type and the field, for an unknown field or a value that does not fit.
 */
export function encodeResource(type: ResourceType, message: object): Uint8Array {
  return withEncodedResource(type, message, (bytes) => Buffer.from(bytes));
}

/**
 * {@link encodeResource} without a copy, and for what has stencils in it.
 * @param use the bytes are good as long as it runs.
 */
export function withEncodedResource<T>(type: ResourceType, message: object, use: (bytes: Uint8Array) => T): T {
  const { typeUrl, message: name } = factsOf(type);
  writer.reset();
  const schema = described().schemas.named(name);
  if (schema !== undefined && writePacked(writer, typeUrl, schema, message)) return use(writer.written);
  return use(
    described()
      .any.encode({ type_url: typeUrl, value: encodeMessage(name, withoutStencils(message)) })
      .finish(),
  );
}

/** @throws like {@link encodeResource}. */
export function encodeMessage(name: string, message: object): Uint8Array {
  const kind = described().root.lookupType(name);
  return kind.encode(protojson.fromJson(kind, canonicalMaps(shapeOf(kind), message))).finish();
}

/** @throws Error when the bytes are not such a message. */
export function decodeSotwRequest(bytes: Uint8Array): SotwRequest {
  const { node, error, ...fields } = readSotwRequest(bytes);
  return { ...fields, node: nodeOf(node), error: errorOf(error) };
}

/** @throws Error when the bytes are not such a message. */
export function decodeDeltaRequest(bytes: Uint8Array): DeltaRequest {
  const { node, error, ...fields } = readDeltaRequest(bytes);
  return { ...fields, node: nodeOf(node), error: errorOf(error) };
}

/** A `node_id` to look for. */
export interface NodeMatch {
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'contains';
  readonly value: string;
}

/**
 * Which clients a ClientStatusRequest asks for; none: all.
 * @throws Error for bytes that are no such message, and for matchers other than of `node_id` by text.
 */
export function decodeStatusRequest(bytes: Uint8Array): readonly NodeMatch[] {
  const { node_matchers: matchers } = described().statusRequest.decode(bytes) as unknown as RawStatusRequest;
  return matchers.map(({ node_id: id, node_metadatas: metadatas }) => {
    const kinds = ['exact', 'prefix', 'suffix', 'contains'] as const;
    const kind = kinds.find((each) => each === id?.match_pattern);
    if (kind === undefined || metadatas.length > 0 || id?.ignore_case === true) {
      throw new Error('node_matchers must match node_id by exact, prefix, suffix or contains, with the case that it has');
    }
    return { kind, value: id?.[kind] ?? '' };
  });
}

interface RawStatusRequest {
  readonly node_matchers: readonly {
    readonly node_id: RawStringMatcher | null;
    readonly node_metadatas: readonly object[];
  }[];
}

interface RawStringMatcher {
  /** The name of the field that is set. */
  readonly match_pattern?: string;
  readonly exact: string;
  readonly prefix: string;
  readonly suffix: string;
  readonly contains: string;
  readonly ignore_case: boolean;
}

interface RawNode {
  readonly id: string;
  readonly cluster: string;
  readonly metadata: protobuf.Message | null;
  readonly user_agent_name: string;
  readonly user_agent_version?: string;
}

interface RawStatus {
  readonly code: number;
  readonly message: string;
}

/** Envoy's own say 100 KB, most of it which extensions it has. */
const MAX_NODE_BYTES = 1024 * 1024;

function nodeOf(bytes: Buffer | undefined): Node | undefined {
  if (bytes === undefined) return undefined;
  // Reflection gives untyped messages; the descriptor is what says that these fields are there.
  if (bytes.length > MAX_NODE_BYTES) throw new Error(`node has ${bytes.length} bytes, and may have ${MAX_NODE_BYTES}`);
  const { node, struct } = described();
  const { id, cluster, metadata, user_agent_name: userAgent } = node.decode(bytes) as unknown as RawNode;
  return { id, cluster, metadata: metadata ? protojson.toJson(struct, metadata) : {}, userAgent };
}

function errorOf(bytes: Buffer | undefined): string | undefined {
  if (bytes === undefined) return undefined;
  const status = described().rpcStatus.decode(bytes) as unknown as RawStatus;
  return status.message === '' ? `code ${status.code}` : status.message;
}

const shapes = new WeakMap<protobuf.Type, MessageShape>();

function shapeOf(type: protobuf.Type): MessageShape {
  const known = shapes.get(type);
  if (known !== undefined) return known;
  const field = (name: string): { readonly map: boolean; readonly shape: MessageShape | undefined } | undefined => {
    const found = type.fields[name];
    if (found === undefined) return undefined;
    return { map: found.map, shape: found.resolvedType instanceof protobuf.Type ? shapeOf(found.resolvedType) : undefined };
  };
  const shape: MessageShape = {
    kind: KINDS[type.fullName] ?? 'message',
    field,
    named: (name) => {
      const found = described().root.lookup(name);
      return found instanceof protobuf.Type ? shapeOf(found) : undefined;
    },
  };
  shapes.set(type, shape);
  return shape;
}

const KINDS: Readonly<Record<string, MessageShape['kind']>> = {
  '.google.protobuf.Any': 'any',
  '.google.protobuf.Struct': 'free',
  '.google.protobuf.Value': 'free',
};
