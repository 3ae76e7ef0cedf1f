/** Buffers that bytes go out in, used again as soon as what was in them has left the process: for all connections. */

/** bytes */
const SIZE = 64 * 1024;
const MOST_KEPT = 64;

export class Buffers {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SIZE);
  }

  /** Nobody reads it any more. */
  give(buffer: Buffer): void {
    if (this.#free.length < MOST_KEPT) this.#free.push(buffer);
  }
}
