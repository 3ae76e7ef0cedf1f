/** Bytes that go out together: what is small is put into one buffer, what is large stays where it is. */

/** From so many bytes on a copy costs more than a piece of its own: several pieces cost the socket a list. */
const WORTH_A_PIECE = 16_384;
/** Of all that goes out together, in bytes. */
const MOST = 256 * 1024;

export class Batch {
  /** Room for what is small. */
  readonly buffer: Buffer;
  readonly #pieces: Buffer[] = [];
  #begun = 0;
  #at = 0;
  #length = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  /** How much more may be said, in bytes, large or small. */
  get room(): number {
    return Math.min(this.buffer.length - this.#at, MOST - this.#length);
  }

  get length(): number {
    return this.#length;
  }

  /** @returns where in the buffer so many bytes are to be written; there must be room. */
  reserve(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    this.#length += bytes;
    return at;
  }

  /** @param bytes that do not change before they have left; there must be room for them */
  add(bytes: Buffer): void {
    if (bytes.length < WORTH_A_PIECE) {
      bytes.copy(this.buffer, this.reserve(bytes.length));
      return;
    }
    this.#cut();
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  /** In their order. */
  pieces(): readonly Buffer[] {
    this.#cut();
    return this.#pieces;
  }

  #cut(): void {
    if (this.#at > this.#begun) this.#pieces.push(this.buffer.subarray(this.#begun, this.#at));
    this.#begun = this.#at;
  }
}
