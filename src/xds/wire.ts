/**
 * Just enough of protobuf's wire format to put responses together from parts that are already encoded. Fields may come
 * in any order and a message may be the concatenation of its parts, so a nonce never makes a resource be encoded again.
 */
import { type Frame, PREFIX_LENGTH, writePrefix } from '../grpc/frame.ts';

/** Tags of the fields that we write, all length-delimited: number << 3 | 2. */
const TAG = {
  sotw: { version: 1, resources: 2, typeUrl: 4, nonce: 5 },
  delta: { version: 1, resources: 2, typeUrl: 4, nonce: 5, removed: 6 },
  resource: { version: 1, resource: 2, name: 3 },
} as const;

/**
 * One entry of `DeltaDiscoveryResponse.resources`, tag and length included. Its end, from `sotwStart` on, is one entry
 * of `DiscoveryResponse.resources`: in both messages, and in `Resource`, the field has the number 2.
 */
export interface ResourceEntry {
  readonly bytes: Buffer;
  readonly sotwStart: number;
}

/** @param room for so many bytes */
export function resourceEntry(
  name: string,
  version: string,
  any: Uint8Array,
  room: (length: number) => Buffer = Buffer.allocUnsafeSlow,
): ResourceEntry {
  const nameLength = Buffer.byteLength(name);
  const versionLength = Buffer.byteLength(version);
  const body = fieldLength(nameLength) + fieldLength(versionLength) + fieldLength(any.length);
  const writer = new Writer(room(fieldLength(body)));
  writer.head(TAG.delta.resources, body);
  writer.text(TAG.resource.name, name, nameLength);
  writer.text(TAG.resource.version, version, versionLength);
  const sotwStart = writer.position;
  writer.head(TAG.resource.resource, any.length);
  writer.raw(any);
  return { bytes: writer.buffer, sotwStart };
}

export interface ResponseParts {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly version: string;
  readonly resources: readonly ResourceEntry[];
  /** Delta only: what {@link commonParts} made of all but the nonce, where nothing is removed. */
  readonly common?: readonly Buffer[] | undefined;
  /** Delta only. */
  readonly removed: readonly string[];
}

/** An encoded DiscoveryResponse. */
export function sotwResponse(parts: ResponseParts): Buffer {
  return messageOf(sotwFrame(parts));
}

/** An encoded DeltaDiscoveryResponse. */
export function deltaResponse(parts: ResponseParts): Buffer {
  return messageOf(deltaFrame(parts));
}

/** A DiscoveryResponse as it goes out. */
export function sotwFrame(parts: ResponseParts): Frame {
  const entries = parts.resources.map(({ bytes, sotwStart }) => bytes.subarray(sotwStart));
  return frameWith(TAG.sotw, parts, entries, []);
}

/** A DeltaDiscoveryResponse as it goes out. */
export function deltaFrame(parts: ResponseParts): Frame {
  const { common, resources, removed, nonce } = parts;
  if (common !== undefined) return frameAround(common, nonce);
  const entries = resources.map(({ bytes }) => bytes);
  return frameWith(TAG.delta, parts, entries, removed);
}

/** What a DeltaDiscoveryResponse says to every stream that is told the same: all but its nonce. */
export function commonParts(typeUrl: string, version: string, entries: readonly Buffer[]): readonly Buffer[] {
  const versionLength = Buffer.byteLength(version);
  const typeLength = Buffer.byteLength(typeUrl);
  const head = new Writer(Buffer.allocUnsafeSlow(fieldLength(versionLength) + fieldLength(typeLength)));
  head.text(TAG.delta.version, version, versionLength);
  head.text(TAG.delta.typeUrl, typeUrl, typeLength);
  const [first] = entries;
  const body = entries.length === 1 && first !== undefined ? first : Buffer.concat(entries);
  return body.length < WORTH_A_PART ? [Buffer.concat([head.buffer, body])] : [head.buffer, body];
}

function frameAround(common: readonly Buffer[], nonce: string): Frame {
  const nonceLength = Buffer.byteLength(nonce);
  const own = new Writer(Buffer.allocUnsafe(PREFIX_LENGTH + fieldLength(nonceLength)));
  let { length } = own.buffer;
  for (const part of common) length += part.length;
  writePrefix(own.buffer, length - PREFIX_LENGTH);
  own.skip(PREFIX_LENGTH);
  own.text(TAG.delta.nonce, nonce, nonceLength);
  return { parts: [own.buffer, ...common], length };
}

/** From so many bytes on a copy for each stream costs more than a part of its own. */
const WORTH_A_PART = 4_096;

function frameWith(
  tags: typeof TAG.sotw | typeof TAG.delta,
  { version, typeUrl, nonce }: ResponseParts,
  entries: readonly Buffer[],
  removed: readonly string[],
): Frame {
  const texts = [
    { tag: tags.nonce, text: nonce },
    { tag: tags.version, text: version },
    { tag: tags.typeUrl, text: typeUrl },
    ...removed.map((text) => ({ tag: TAG.delta.removed, text })),
  ].map((field) => ({ ...field, length: Buffer.byteLength(field.text) }));
  let copied = PREFIX_LENGTH;
  let shared = 0;
  for (const { length } of texts) copied += fieldLength(length);
  for (const { length } of entries) {
    if (length < WORTH_A_PART) copied += length;
    else shared += length;
  }
  const length = copied + shared;
  const writer = new Writer(Buffer.allocUnsafe(copied));
  writePrefix(writer.buffer, length - PREFIX_LENGTH);
  writer.skip(PREFIX_LENGTH);
  for (const { tag, text, length: bytes } of texts) writer.text(tag, text, bytes);
  const parts: Buffer[] = [];
  let begun = 0;
  for (const entry of entries) {
    if (entry.length < WORTH_A_PART) writer.raw(entry);
    else {
      if (writer.position > begun) parts.push(writer.buffer.subarray(begun, writer.position));
      parts.push(entry);
      begun = writer.position;
    }
  }
  if (writer.position > begun) parts.push(begun === 0 ? writer.buffer : writer.buffer.subarray(begun));
  return { parts, length };
}

function messageOf({ parts, length }: Frame): Buffer {
  return Buffer.concat(parts, length).subarray(PREFIX_LENGTH);
}

/** Tag (all of ours are one byte), length, content. */
function fieldLength(content: number): number {
  return 1 + varintLength(content) + content;
}

function varintLength(value: number): number {
  let length = 1;
  for (let rest = value; rest > 127; rest = Math.floor(rest / 128)) length += 1;
  return length;
}

class Writer {
  readonly buffer: Buffer;
  #position = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  get position(): number {
    return this.#position;
  }

  skip(bytes: number): void {
    this.#position += bytes;
  }

  head(field: number, length: number): void {
    this.buffer[this.#position++] = (field << 3) | 2;
    let rest = length;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.buffer[this.#position++] = (rest % 128) | 128;
    this.buffer[this.#position++] = rest;
  }

  text(field: number, text: string, length: number): void {
    this.head(field, length);
    this.#position += this.buffer.write(text, this.#position);
  }

  raw(bytes: Uint8Array): void {
    this.buffer.set(bytes, this.#position);
    this.#position += bytes.length;
  }
}
