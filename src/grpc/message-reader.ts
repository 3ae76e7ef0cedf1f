/** Puts the messages of a stream together, however they were cut into chunks. */
import { PREFIX_LENGTH } from './frame.ts';
import type { ReceiveBudget } from './receive-budget.ts';
import { STATUS, type Status } from './status.ts';

const EMPTY = Buffer.alloc(0);
/** bytes */
const SMALLEST = 1_024;
/** How many times what is there already is made room for, as far as the message is that long. */
const GROWTH = 4;
/** The last chunk of a message may have the beginning of the next one in it. */
const CHUNK = 16_384;

export interface MessageReaderOptions {
  /** No message may be longer, in bytes. */
  readonly maxBytes: number;
  readonly budget: ReceiveBudget;
  /** The bytes are nobody else's. */
  readonly onMessage: (bytes: Buffer) => void;
}

export class MessageReader {
  readonly #options: MessageReaderOptions;
  /** The beginning of a message, `#held` bytes of it: grows, so that a client that sends byte by byte costs no more. */
  #buffer = EMPTY;
  #held = 0;
  /** How much must be there for something to be read of it. */
  #wanted = PREFIX_LENGTH;
  #isEnded = false;

  constructor(options: MessageReaderOptions) {
    this.#options = options;
  }

  /** Whether a message has begun and is not complete. */
  get isWithin(): boolean {
    return this.#held > 0;
  }

  /** @returns why the stream cannot go on; then nothing more is read. */
  push(chunk: Buffer): Status | undefined {
    if (this.#isEnded) return undefined;
    if (this.#held + chunk.length < this.#wanted) return this.#hold(chunk);
    const problem = this.#read(this.#joined(chunk));
    if (problem !== undefined) this.end();
    return problem;
  }

  /** Forgets what it has, and reads nothing more. May be called while a message is handed over. */
  end(): void {
    this.#isEnded = true;
    this.#release();
  }

  #read(bytes: Buffer): Status | undefined {
    let at = 0;
    this.#wanted = PREFIX_LENGTH;
    while (!this.#isEnded && bytes.length - at >= PREFIX_LENGTH) {
      const length = bytes.readUInt32BE(at + 1);
      const problem = this.#check(bytes[at], length);
      if (problem !== undefined) return problem;
      const end = at + PREFIX_LENGTH + length;
      if (end > bytes.length) {
        this.#wanted = end - at;
        break;
      }
      this.#options.onMessage(bytes.subarray(at + PREFIX_LENGTH, end));
      at = end;
    }
    return this.#isEnded || at === bytes.length ? undefined : this.#hold(bytes.subarray(at));
  }

  /** Before any of it is held. */
  #check(flag: number | undefined, length: number): Status | undefined {
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

  #hold(chunk: Buffer): Status | undefined {
    if (!this.#options.budget.take(chunk.length)) {
      this.end();
      return { code: STATUS.resourceExhausted, details: 'too much is being received at once: come again later' };
    }
    const length = this.#held + chunk.length;
    if (length > this.#buffer.length) {
      const enough = Math.max(length, this.#wanted + CHUNK);
      const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(SMALLEST, GROWTH * length), enough));
      larger.set(this.#buffer.subarray(0, this.#held));
      this.#buffer = larger;
    }
    this.#buffer.set(chunk, this.#held);
    this.#held = length;
    return undefined;
  }

  #joined(chunk: Buffer): Buffer {
    if (this.#held === 0) return chunk;
    const length = this.#held + chunk.length;
    const hasRoom = length <= this.#buffer.length;
    if (hasRoom) this.#buffer.set(chunk, this.#held);
    const bytes = hasRoom ? this.#buffer.subarray(0, length) : Buffer.concat([this.#buffer.subarray(0, this.#held), chunk]);
    this.#release();
    return bytes;
  }

  #release(): void {
    this.#options.budget.give(this.#held);
    this.#buffer = EMPTY;
    this.#held = 0;
  }
}
