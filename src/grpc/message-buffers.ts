/** Buffers that messages are put together in, used again: a client that comes back says all that it has, in many pieces. */
import { giveBack } from './give-back.ts';

/** bytes */
const SMALLEST = 1_024;
const MOST_KEPT = 8 * 1024 * 1024;

export class MessageBuffers {
  /** By length, which is a power of two. */
  readonly #free = new Map<number, Buffer[]>();
  #kept = 0;

  /** @returns one of at least so many bytes. */
  take(length: number): Buffer {
    const size = Math.max(SMALLEST, 2 ** Math.ceil(Math.log2(length)));
    const buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size);
    this.#kept -= size;
    return buffer;
  }

  /** Nobody reads it any more. @param buffer from {@link take} */
  give(buffer: Buffer): void {
    const { length } = buffer;
    if (this.#kept + length > MOST_KEPT) return giveBack(buffer);
    this.#kept += length;
    const free = this.#free.get(length);
    if (free === undefined) this.#free.set(length, [buffer]);
    else free.push(buffer);
  }
}
