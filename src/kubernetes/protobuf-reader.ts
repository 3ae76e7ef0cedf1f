/** Kubernetes' protobuf, a field at a time. What is not asked for is passed over without being read. */
import type { TextMap } from './message-schema.ts';

/** Of bytes that are no such message: a bug, or another server. */
export class ProtobufError extends Error {}

const WIRE = { varint: 0, fixed64: 1, delimited: 2, fixed32: 5 } as const;
/** No wire type: the field was read, or there was none yet. */
const NO_FIELD = -1;
/** The bytes of a number that are its high part: bits 49 to 63, the last of them its sign. */
const HIGH_FROM = 7;
const SIGN = 2 ** 14;
const SLASH = 0x2f;

/** Goes over the fields of a message, and of those in it. Whatever it reads lies within the message. */
export class ProtobufReader {
  readonly #bytes: Buffer;
  #at = 0;
  #end: number;
  #wire: number = NO_FIELD;
  /** By hash, the last one that had it. */
  readonly #words = new Map<number, string>();

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** The number of the next field; 0 at the end. What was not read of the one before is passed over. */
  next(): number {
    this.#skip();
    if (this.#at === this.#end) return 0;
    const tag = this.#varint();
    this.#wire = tag & 7;
    const number = tag >>> 3;
    if (number === 0 || tag < 0 || tag > 0xffff_ffff) throw new ProtobufError('a field without a number');
    return number;
  }

  /** What `read` reads is not read where it returns undefined. */
  attempt<T>(read: (reader: ProtobufReader) => T | undefined): T | undefined {
    const [at, end, wire] = [this.#at, this.#end, this.#wire];
    const result = read(this);
    if (result === undefined) [this.#at, this.#end, this.#wire] = [at, end, wire];
    return result;
  }

  bytes(): Buffer {
    const end = this.#delimited();
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  text(): string {
    const end = this.#delimited();
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end;
    return text;
  }

  /** Milliseconds since the epoch, of a `Time`; undefined for the zero one. */
  time(): number | undefined {
    const outer = this.enter();
    let seconds = 0;
    let isSet = false;
    for (let number = this.next(); number !== 0; number = this.next()) {
      isSet = true;
      if (number === 1) seconds = this.number();
    }
    this.leave(outer);
    // The API's times are whole seconds.
    return isSet ? seconds * 1000 : undefined;
  }

  intOrString(): number | string {
    const outer = this.enter();
    let isText = false;
    let int = 0;
    let text = '';
    for (let number = this.next(); number !== 0; number = this.next()) {
      if (number === 1) isText = this.number() === 1;
      else if (number === 2) int = this.number();
      else if (number === 3) text = this.text();
    }
    this.leave(outer);
    return isText ? text : int;
  }

  /**
   * An entry of a map is a message with its key as field 1 and its value as field 2.
   * @returns undefined where the key is none of those that are asked for.
   */
  entry({ keys }: TextMap): readonly [key: string, value: string] | undefined {
    const outer = this.enter();
    let key = '';
    let value = '';
    for (let number = this.next(); number !== 0; number = this.next()) {
      if (number === 1) {
        const end = this.#delimited();
        if (keys.length > 0 && !this.#isAny(keys, end)) {
          this.#at = this.#end;
          this.leave(outer);
          return undefined;
        }
        key = this.#bytes.toString('utf8', this.#at, end);
        this.#at = end;
      } else if (number === 2) value = this.text();
    }
    this.leave(outer);
    return [key, value];
  }

  /** Whether what lies between here and `end` is one of these keys. */
  #isAny(keys: readonly Uint8Array[], end: number): boolean {
    const bytes = this.#bytes;
    const start = this.#at;
    for (const key of keys) {
      const isWhole = key[key.length - 1] !== SLASH;
      if (isWhole ? end - start !== key.length : end - start < key.length) continue;
      let same = 0;
      while (same < key.length && bytes[start + same] === key[same]) same += 1;
      if (same === key.length) return true;
    }
    return false;
  }

  /** Of which there are few: equal ones are one string. */
  word(): string {
    const end = this.#delimited();
    const start = this.#at;
    this.#at = end;
    const bytes = this.#bytes;
    let hash = end - start;
    for (let at = start; at < end; at += 1) hash = (hash * 31 + (bytes[at] ?? 0)) | 0;
    const known = this.#words.get(hash);
    if (known !== undefined && isText(known, bytes, start, end)) return known;
    const word = bytes.toString('utf8', start, end);
    this.#words.set(hash, word);
    return word;
  }

  /** Fields are those of the message that the field is, until {@link leave} is told what this returns. */
  enter(): number {
    const outer = this.#end;
    if (this.#wire !== NO_FIELD) this.#end = this.#delimited();
    return outer;
  }

  leave(outer: number): void {
    this.#end = outer;
  }

  /** Where the field ends; it begins here. */
  #delimited(): number {
    if (this.#wire !== WIRE.delimited) throw new ProtobufError('a field is not of its type');
    const length = this.#varint();
    const end = this.#at + length;
    if (length < 0 || end > this.#end) throw new ProtobufError('a field ends after its message');
    this.#wire = NO_FIELD;
    return end;
  }

  number(): number {
    if (this.#wire !== WIRE.varint) throw new ProtobufError('a field is not of its type');
    this.#wire = NO_FIELD;
    return this.#varint();
  }

  #skip(): void {
    const wire = this.#wire;
    if (wire === NO_FIELD) return;
    if (wire === WIRE.varint) this.#varint();
    else if (wire === WIRE.delimited) this.#at = this.#delimited();
    else if (wire === WIRE.fixed64) this.#at += 8;
    else if (wire === WIRE.fixed32) this.#at += 4;
    else throw new ProtobufError('a field of no type that there is');
    if (this.#at > this.#end) throw new ProtobufError('a field ends after its message');
    this.#wire = NO_FIELD;
  }

  /** In two parts, so that small numbers below zero, which are written as 64 bits, are what they were. */
  #varint(): number {
    const bytes = this.#bytes;
    // Most are one byte.
    const first = this.#at < this.#end ? (bytes[this.#at] ?? 0) : 128;
    if (first < 128) {
      this.#at += 1;
      return first;
    }
    let low = 0;
    let high = 0;
    let factor = 1;
    for (let count = 0; count < 10; count += 1) {
      if (this.#at >= this.#end) throw new ProtobufError('a number ends after its message');
      const byte = bytes[this.#at] ?? 0;
      this.#at += 1;
      if (count === HIGH_FROM) factor = 1;
      if (count < HIGH_FROM) low += (byte & 127) * factor;
      else high += (byte & 127) * factor;
      if (byte < 128) return low + (high < SIGN ? high : high - 2 * SIGN) * 2 ** (7 * HIGH_FROM);
      factor *= 128;
    }
    throw new ProtobufError('a number without an end');
  }
}

/** Of ASCII alone: others are read. */
function isText(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte > 127 || text.charCodeAt(at - start) !== byte) return false;
  }
  return true;
}
