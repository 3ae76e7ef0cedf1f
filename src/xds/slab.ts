/**
 * Room for bytes that stay for long. Node cuts small buffers of all kinds from pieces of 64 KB: a resource of 300 bytes that
 * stays would keep such a piece alive, and with 10,000 resources that change one at a time that is 640 MB.
 */
const BYTES = 4096;
const LARGE = BYTES / 4;

export class Slab {
  #rest = Buffer.alloc(0);

  /** @returns bytes with anything in them; no more than 4 KB live as long as they do, unless they are more themselves. */
  take(length: number): Buffer {
    if (length >= LARGE) return Buffer.allocUnsafeSlow(length);
    if (this.#rest.length < length) this.#rest = Buffer.allocUnsafeSlow(BYTES);
    const taken = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return taken;
  }
}
