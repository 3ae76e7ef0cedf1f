/** ProtoJSON to bytes for resources, bytes to plain data for requests. */
import type { ResourceType } from '../translate/resource.ts';
import { ByteWriter } from './byte-writer.ts';
import { Descriptor } from './descriptor.ts';
import { writeMessage, writePacked } from './message-encoder.ts';
import { MessageSchemas } from './message-schemas.ts';
import { type Node, readNode } from './node.ts';
import type { PackedTexts } from './packed-texts.ts';
import type { PackedVersions } from './packed-versions.ts';
import { readDeltaRequest, readSotwRequest } from './request-reader.ts';
import { factsOf } from './type-urls.ts';
import { WireReader } from './wire-reader.ts';

/** `npm run gen` makes the descriptor. It is constant data, read once. */
let schemas: MessageSchemas | undefined;

/** Read with the first message that goes, not with the module: a cluster is being read. */
function described(): MessageSchemas {
  schemas ??= new MessageSchemas(Descriptor.read());
  return schemas;
}

/** Holds nothing between calls. */
const writer = new ByteWriter();

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
  writePacked(writer, typeUrl, described().of(name), message);
  return use(writer.written);
}

/** @param name of its type, in full @throws like {@link encodeResource}. */
export function encodeMessage(name: string, message: object): Buffer {
  writer.reset();
  writeMessage(writer, described().of(name), message);
  return Buffer.from(writer.written);
}

/** @throws Error when the bytes are not such a message. */
export function decodeSotwRequest(bytes: Uint8Array): SotwRequest {
  const { node, error, ...fields } = readSotwRequest(bytes);
  return { ...fields, node: node && readNode(node), error: error && errorOf(error) };
}

/** @throws Error when the bytes are not such a message. */
export function decodeDeltaRequest(bytes: Uint8Array): DeltaRequest {
  const { node, error, ...fields } = readDeltaRequest(bytes);
  return { ...fields, node: node && readNode(node), error: error && errorOf(error) };
}

/** Of a `google.rpc.Status`. */
function errorOf(bytes: Buffer): string {
  let code = 0;
  let message = '';
  const fields = new WireReader(bytes);
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === 1) code = fields.integer();
    else if (field === 2) message = fields.text();
  }
  return message === '' ? `code ${code}` : message;
}
