/**
 * Texts of a request as they came: names that are known already are found by their bytes, and no text is made of them.
 */
import { isUtf8 } from 'node:buffer';

/** Texts in their order; the same one may be there twice. */
export type Texts = readonly string[] | PackedTexts;

/** Where a text begins and ends, and a hash of its bytes. */
const FIELDS = 3;
const FIRST_TEXTS = 8;
const NO_SPANS = new Int32Array(0);

export class PackedTexts implements Iterable<string> {
  readonly bytes: Buffer;
  #spans = NO_SPANS;
  #length = 0;

  /** @param bytes that all its texts are in */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get length(): number {
    return this.#length;
  }

  /** @throws Error when the bytes there are not UTF-8. */
  push(from: number, to: number): void {
    const start = this.#length * FIELDS;
    if (start === this.#spans.length) this.#grow(from);
    const { bytes } = this;
    let hash = 0;
    let all = 0;
    for (let position = from; position < to; position += 1) {
      const byte = bytes[position] ?? 0;
      all |= byte;
      hash = Math.imul(hash ^ byte, HASH_FACTOR);
    }
    if (all > 127 && !isUtf8(bytes.subarray(from, to))) throw new Error('a text is not UTF-8');
    this.#spans[start] = from;
    this.#spans[start + 1] = to;
    this.#spans[start + 2] = hash;
    this.#length += 1;
  }

  from(index: number): number {
    return this.#spans[index * FIELDS] ?? 0;
  }

  to(index: number): number {
    return this.#spans[index * FIELDS + 1] ?? 0;
  }

  /** As of {@link hashOf}. */
  hash(index: number): number {
    return this.#spans[index * FIELDS + 2] ?? 0;
  }

  text(index: number): string {
    return this.bytes.toString('utf8', this.from(index), this.to(index));
  }

  /** @param ascii of such characters only */
  is(index: number, ascii: string): boolean {
    const from = this.from(index);
    const { length } = ascii;
    if (this.to(index) - from !== length) return false;
    for (let offset = 0; offset < length; offset += 1) {
      if (this.bytes[from + offset] !== ascii.charCodeAt(offset)) return false;
    }
    return true;
  }

  /** @param ascii of such characters only */
  includes(ascii: string): boolean {
    for (let index = 0; index < this.#length; index += 1) if (this.is(index, ascii)) return true;
    return false;
  }

  *[Symbol.iterator](): Generator<string> {
    for (let index = 0; index < this.#length; index += 1) yield this.text(index);
  }

  /** @param from where the next one begins: as many may follow as came before it in as many bytes */
  #grow(from: number): void {
    const likely = Math.ceil((1.1 * this.#length * this.bytes.length) / Math.max(1, from));
    const length = Math.max(FIRST_TEXTS, this.#length * 2, Math.min(likely, this.#length * 16));
    const spans = new Int32Array(length * FIELDS);
    spans.set(this.#spans);
    this.#spans = spans;
  }
}

const HASH_FACTOR = 0x01000193;

/** FNV-1a, but for where it begins. */
export function hashOf(bytes: Uint8Array): number {
  let hash = 0;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, HASH_FACTOR);
  return hash;
}

/** Names with their versions. */
export class PackedVersions {
  readonly names: PackedTexts;
  readonly versions: PackedTexts;

  constructor(bytes: Buffer) {
    this.names = new PackedTexts(bytes);
    this.versions = new PackedTexts(bytes);
  }

  get size(): number {
    return this.names.length;
  }
}
