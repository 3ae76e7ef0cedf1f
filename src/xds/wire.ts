/**
 * Just enough of protobuf's wire format to put responses together from parts that are already encoded. Fields may come
 * in any order and a message may be the concatenation of its parts, so a nonce never makes a resource be encoded again.
 */

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

export function resourceEntry(name: string, version: string, any: Uint8Array): ResourceEntry {
  const nameLength = Buffer.byteLength(name);
  const versionLength = Buffer.byteLength(version);
  const body = fieldLength(nameLength) + fieldLength(versionLength) + fieldLength(any.length);
  const writer = new Writer(fieldLength(body));
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
  /** The entries one after the other, where somebody has put them together already. Delta only. */
  readonly body?: Buffer | undefined;
  /** Delta only. */
  readonly removed: readonly string[];
}

/** An encoded DiscoveryResponse. */
export function sotwResponse(parts: ResponseParts): Buffer {
  const tags = TAG.sotw;
  const texts = textFields(tags, parts);
  let length = texts.length;
  for (const { bytes, sotwStart } of parts.resources) length += bytes.length - sotwStart;
  const writer = new Writer(length);
  writer.raw(texts);
  for (const { bytes, sotwStart } of parts.resources) writer.raw(bytes.subarray(sotwStart));
  return writer.buffer;
}

/** An encoded DeltaDiscoveryResponse. */
export function deltaResponse(parts: ResponseParts): Buffer {
  const texts = textFields(TAG.delta, parts);
  const { resources, body } = parts;
  let length = texts.length;
  if (body !== undefined) length += body.length;
  else for (const { bytes } of resources) length += bytes.length;
  for (const name of parts.removed) length += fieldLength(Buffer.byteLength(name));
  const writer = new Writer(length);
  writer.raw(texts);
  if (body !== undefined) writer.raw(body);
  else for (const { bytes } of resources) writer.raw(bytes);
  for (const name of parts.removed) writer.text(TAG.delta.removed, name, Buffer.byteLength(name));
  return writer.buffer;
}

function textFields(tags: typeof TAG.sotw | typeof TAG.delta, parts: ResponseParts): Buffer {
  const fields = [
    { tag: tags.version, text: parts.version },
    { tag: tags.typeUrl, text: parts.typeUrl },
    { tag: tags.nonce, text: parts.nonce },
  ].map((field) => ({ ...field, length: Buffer.byteLength(field.text) }));
  const writer = new Writer(fields.reduce((sum, { length }) => sum + fieldLength(length), 0));
  for (const { tag, text, length } of fields) writer.text(tag, text, length);
  return writer.buffer;
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

  constructor(length: number) {
    this.buffer = Buffer.allocUnsafe(length);
  }

  get position(): number {
    return this.#position;
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
