/** Puts the messages of a stream together, however they were cut into chunks. */
import { PREFIX_LENGTH } from './frame.ts';
import type { ReceiveBudget } from './receive-budget.ts';
import { STATUS, type Status, TOO_MUCH } from './status.ts';

/** How many times what is there already is made room for, as far as the message is that long. */
const GROWTH = 4;

export interface MessageReaderOptions {
  /** No message may be longer, in bytes. */
  readonly maxBytes: number;
  readonly budget: ReceiveBudget;
  /** The bytes are lent: whoever keeps them copies them. */
  readonly onMessage: (bytes: Buffer) => void;
}

export class MessageReader {
  readonly #options: MessageReaderOptions;
  /** The beginning of a message, `#held` bytes of it: grows, so that a client that sends byte by byte costs no more. */
  #buffer: Buffer | undefined;
  #held = 0;
  /** How much of it must be there for something to be read of it. */
  #wanted = PREFIX_LENGTH;
  #isEnded = false;

  constructor(options: MessageReaderOptions) {
    this.#options = options;
  }

  /** Whether a message has begun and is not complete. */
  get isWithin(): boolean {
    return this.#held > 0;
  }

  /** @param chunk lent @returns why the stream cannot go on; then nothing more is read. */
  push(chunk: Buffer): Status | undefined {
    let at = 0;
    while (at < chunk.length && !this.#isEnded) {
      const read: number | Status = this.#held > 0 ? this.#complete(chunk, at) : this.#begin(chunk, at);
      if (typeof read !== 'number') {
        this.end();
        return read;
      }
      at = read;
    }
    return undefined;
  }

  /** Forgets what it has, and reads nothing more. May be called while a message is handed over. */
  end(): void {
    this.#isEnded = true;
    this.#release();
  }

  /** @returns up to where the chunk was read, or why not. */
  #begin(chunk: Buffer, at: number): number | Status {
    this.#wanted = PREFIX_LENGTH;
    if (chunk.length - at >= PREFIX_LENGTH) {
      const problem = this.#readPrefix(chunk, at);
      if (problem !== undefined) return problem;
      const end = at + this.#wanted;
      if (end <= chunk.length) {
        this.#options.onMessage(chunk.subarray(at + PREFIX_LENGTH, end));
        return end;
      }
    }
    return this.#hold(chunk, at, chunk.length);
  }

  /** As {@link #begin}, of a message that has begun. */
  #complete(chunk: Buffer, at: number): number | Status {
    const read = this.#hold(chunk, at, Math.min(chunk.length, at + this.#wanted - this.#held));
    const buffer = this.#buffer;
    if (typeof read !== 'number' || buffer === undefined || this.#held < this.#wanted) return read;
    if (this.#wanted === PREFIX_LENGTH) {
      const problem = this.#readPrefix(buffer, 0);
      if (problem !== undefined) return problem;
      if (this.#held < this.#wanted) return read;
    }
    const message = buffer.subarray(PREFIX_LENGTH, this.#wanted);
    this.#buffer = undefined;
    this.#release();
    this.#options.onMessage(message);
    this.#options.budget.buffers.give(buffer);
    return read;
  }

  /** Before any of the message is held. */
  #readPrefix(bytes: Buffer, at: number): Status | undefined {
    const flag = bytes[at];
    const length = bytes.readUInt32BE(at + 1);
    this.#wanted = PREFIX_LENGTH + length;
    if (flag === 1) {
      const details = 'compressed messages are not read: this server accepts grpc-encoding identity only';
      return { code: STATUS.unimplemented, details };
    }
    if (flag !== 0) return { code: STATUS.internal, details: 'what was sent is not a gRPC message' };
    const { maxBytes } = this.#options;
    if (length <= maxBytes) return undefined;
    return {
      code: STATUS.resourceExhausted,
      details: `a message of ${length} bytes is longer than ${maxBytes}, which is the most`,
    };
  }

  #hold(chunk: Buffer, from: number, to: number): number | Status {
    const { budget } = this.#options;
    if (!budget.take(to - from)) return TOO_MUCH;
    const length = this.#held + to - from;
    const buffer = this.#buffer;
    if (buffer === undefined || length > buffer.length) {
      this.#buffer = budget.buffers.take(Math.max(length, Math.min(GROWTH * length, this.#wanted)));
      buffer?.copy(this.#buffer, 0, 0, this.#held);
      if (buffer !== undefined) budget.buffers.give(buffer);
    }
    if (this.#buffer !== undefined) chunk.copy(this.#buffer, this.#held, from, to);
    this.#held = length;
    return to;
  }

  #release(): void {
    const { budget } = this.#options;
    budget.give(this.#held);
    if (this.#buffer !== undefined) budget.buffers.give(this.#buffer);
    this.#buffer = undefined;
    this.#held = 0;
  }
}
