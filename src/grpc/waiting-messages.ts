/**
 * Messages of a call that cannot be answered yet, in their order. They count as what is being received, and beyond a number
 * of bytes no more is read before some have been taken: what the client still has to say waits with it.
 */
import type { ServerCall } from './call.ts';

/** bytes */
const ENOUGH = 1024 * 1024;

export class WaitingMessages {
  readonly #call: Pick<ServerCall, 'budget' | 'pause' | 'resume'>;
  #messages: Buffer[] = [];
  #bytes = 0;
  #isPaused = false;

  constructor(call: Pick<ServerCall, 'budget' | 'pause' | 'resume'>) {
    this.#call = call;
  }

  get length(): number {
    return this.#messages.length;
  }

  /** @param bytes lent @returns whether there was room for it. */
  push(bytes: Buffer): boolean {
    if (!this.#call.budget.take(bytes.length)) return false;
    this.#messages.push(Buffer.from(bytes));
    this.#bytes += bytes.length;
    if (this.#bytes >= ENOUGH && !this.#isPaused) {
      this.#isPaused = true;
      this.#call.pause();
    }
    return true;
  }

  /** @returns the first; undefined: none waits. */
  shift(): Buffer | undefined {
    const first = this.#messages.shift();
    if (first !== undefined) this.#give(first.length);
    return first;
  }

  /** @returns all; none waits any more. */
  take(): readonly Buffer[] {
    const messages = this.#messages;
    this.#messages = [];
    this.#give(this.#bytes);
    return messages;
  }

  /** The call is over. */
  drop(): void {
    // What was not read is not read any more.
    this.#isPaused = false;
    this.take();
  }

  #give(bytes: number): void {
    this.#call.budget.give(bytes);
    this.#bytes -= bytes;
    if (this.#bytes >= ENOUGH || !this.#isPaused) return;
    this.#isPaused = false;
    this.#call.resume();
  }
}
