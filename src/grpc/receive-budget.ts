/** What all connections together may have sent of messages that are not complete, or wait. */
import { MessageBuffers } from './message-buffers.ts';

export class ReceiveBudget {
  /** What they are put together in. */
  readonly buffers = new MessageBuffers();
  readonly #max: number;
  #used = 0;

  /** @param max bytes */
  constructor(max: number) {
    this.#max = max;
  }

  /** @returns whether there was so much left. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#max) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
