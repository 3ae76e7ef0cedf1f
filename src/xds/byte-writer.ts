/** Protobuf's wire format into one buffer that grows, and is used again for the next message. */

const FIRST_BYTES = 16 * 1024;
/** Longer texts are faster by Node's own encoder. */
const SHORT = 48;
/** More bytes are faster by Node's own copying. */
const FEW = 32;
/** Of UTF-8, for one unit of a text. */
const MOST_BYTES = 3;

export class ByteWriter {
  #buffer: Buffer;
  #position = 0;

  /** @param bytes room for so many to begin with */
  constructor(bytes = FIRST_BYTES) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  reset(): void {
    this.#position = 0;
  }

  get position(): number {
    return this.#position;
  }

  /** Takes back what was written since. */
  rewind(position: number): void {
    this.#position = position;
  }

  /** What was written since {@link reset}: good until the next {@link reset}. */
  get written(): Buffer {
    return this.#buffer.subarray(0, this.#position);
  }

  /** A copy of what was written from there on. */
  since(position: number): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#buffer, position, this.#position);
  }

  /** @param value 0 to 2³² − 1 */
  uint32(value: number): void {
    this.#reserve(5);
    let rest = value;
    for (; rest > 127; rest >>>= 7) this.#buffer[this.#position++] = (rest & 127) | 128;
    this.#buffer[this.#position++] = rest;
  }

  /** @param value a safe integer, not below zero */
  integer(value: number): void {
    this.#reserve(8);
    let rest = value;
    for (; rest > 127; rest = Math.floor(rest / 128)) this.#buffer[this.#position++] = (rest % 128) | 128;
    this.#buffer[this.#position++] = rest;
  }

  /** @param value of 64 bits; below zero as two's complement */
  varint(value: bigint): void {
    this.#reserve(10);
    let rest = BigInt.asUintN(64, value);
    for (; rest > 127n; rest >>= 7n) this.#buffer[this.#position++] = Number(rest & 127n) | 128;
    this.#buffer[this.#position++] = Number(rest);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#position = this.#buffer.writeDoubleLE(value, this.#position);
  }

  raw(bytes: Uint8Array): void {
    const { length } = bytes;
    this.#reserve(length);
    if (length > FEW) this.#buffer.set(bytes, this.#position);
    else for (let index = 0; index < length; index += 1) this.#buffer[this.#position + index] = bytes[index] ?? 0;
    this.#position += length;
  }

  /** With its length before it. */
  text(value: string): void {
    if (value.length <= SHORT && this.#shortAscii(value)) return;
    const length = Buffer.byteLength(value);
    this.uint32(length);
    this.#reserve(length);
    this.#position += this.#buffer.write(value, this.#position);
  }

  /** Without its length. */
  part(value: string): void {
    this.#reserve(value.length * MOST_BYTES);
    this.#position += this.#buffer.write(value, this.#position);
  }

  /** Where a message begins whose length is not known yet: to be given to {@link end}. */
  begin(): number {
    // Most are shorter than 128 bytes, and so their length takes one.
    this.#reserve(1);
    this.#position += 1;
    return this.#position;
  }

  /** @returns its length. */
  end(start: number): number {
    const length = this.#position - start;
    if (length < 128) {
      this.#buffer[start - 1] = length;
      return length;
    }
    let more = 0;
    for (let rest = length; rest > 127; rest >>>= 7) more += 1;
    this.#reserve(more);
    this.#buffer.copyWithin(start + more, start, this.#position);
    this.#position = start - 1;
    this.uint32(length);
    this.#position += length;
    return length;
  }

  /** @returns false, with nothing written, when it is not ASCII. */
  #shortAscii(value: string): boolean {
    this.#reserve(SHORT + 1);
    const start = this.#position + 1;
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index);
      if (code > 127) return false;
      this.#buffer[start + index] = code;
    }
    this.#buffer[this.#position] = value.length;
    this.#position = start + value.length;
    return true;
  }

  #reserve(bytes: number): void {
    const needed = this.#position + bytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#position);
    this.#buffer = larger;
  }
}
