/**
 * Room for bytes that stay for long. Node cuts small buffers of all kinds from pieces of 64 KB: a resource of 300 bytes that
 * stays would keep such a piece alive, and with 10,000 resources that change one at a time that is 640 MB.
 */
const BYTES = 4096;
const LARGE = BYTES / 4;

export class Slab {
  #bytes = Buffer.alloc(0);
  #taken = 0;

  /** @returns bytes with anything in them; no more than 4 KB live as long as they do, unless they are more themselves. */
  take(length: number): Buffer {
    if (length >= LARGE) return Buffer.allocUnsafeSlow(length);
    if (this.#bytes.length - this.#taken < length) {
      this.#bytes = Buffer.allocUnsafeSlow(BYTES);
      this.#taken = 0;
    }
    this.#taken += length;
    return this.#bytes.subarray(this.#taken - length, this.#taken);
  }
}
