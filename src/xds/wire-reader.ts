/** Goes over the fields of a small message: all of them, whereas {@link FieldReader} passes numbers over. */
import { isUtf8 } from 'node:buffer';
import { WIRE } from './wire-types.ts';

const ENDS = 'it ends within a field';
/** Bytes of a field, by its wire type. */
const FIXED = new Map<number, number>([
  [WIRE.fixed64, 8],
  [WIRE.fixed32, 4],
]);

export class WireReader {
  readonly #bytes: Buffer;
  #position = 0;
  #wire: number = WIRE.varint;
  #from = 0;
  #to = 0;
  #number = 0n;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @returns the number of the next field; 0: there is none. @throws Error when the bytes are not a message. */
  next(): number {
    if (this.#position === this.#bytes.length) return 0;
    const tag = this.#short();
    const field = tag >>> 3;
    if (field === 0) throw new Error('a field has the number 0');
    this.#wire = tag & 7;
    if (this.#wire === WIRE.varint) this.#number = this.#varint();
    else {
      const length = this.#wire === WIRE.bytes ? this.#short() : FIXED.get(this.#wire);
      if (length === undefined) throw new Error(`field ${field} has the wire type ${this.#wire}, which no xDS message has`);
      this.#from = this.#position;
      this.#to = this.#position + length;
      if (this.#to > this.#bytes.length) throw new Error(ENDS);
      this.#position = this.#to;
    }
    return field;
  }

  /** What a text or a message is made of. */
  bytes(): Buffer {
    this.#expect(WIRE.bytes);
    return this.#bytes.subarray(this.#from, this.#to);
  }

  text(): string {
    const bytes = this.bytes();
    if (!isUtf8(bytes)) throw new Error('a text is not UTF-8');
    return bytes.toString('utf8');
  }

  /** Of 32 bits, with its sign. */
  integer(): number {
    this.#expect(WIRE.varint);
    return Number(BigInt.asIntN(32, this.#number));
  }

  flag(): boolean {
    this.#expect(WIRE.varint);
    return this.#number !== 0n;
  }

  double(): number {
    this.#expect(WIRE.fixed64);
    return this.#bytes.readDoubleLE(this.#from);
  }

  #expect(wire: number): void {
    if (this.#wire !== wire) throw new Error(`a field has the wire type ${this.#wire}, not ${wire}`);
  }

  /** A tag or a length. */
  #short(): number {
    const first = this.#bytes[this.#position] ?? 128;
    if (first < 128) {
      this.#position += 1;
      return first;
    }
    const number = this.#varint();
    if (number >= 2n ** 32n) throw new Error('a tag or a length is longer than 32 bits');
    return Number(number);
  }

  #varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#position];
      if (byte === undefined) throw new Error(ENDS);
      this.#position += 1;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asUintN(64, value);
    }
    throw new Error('a number is longer than 64 bits');
  }
}
