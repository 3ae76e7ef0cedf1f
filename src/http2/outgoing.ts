/** What one stream has yet to say: headers, one message, trailers, in this order. */
import type { Batch } from './batch.ts';
import { ERROR } from './error-code.ts';
import { HEAD_LENGTH, headersFrames, numberFrame, TYPE, writeHead } from './frame.ts';
import { EMPTY_TABLE } from './header-encoder.ts';

/** What a connection may say at once. */
export interface Allowance {
  /** Of DATA, in bytes: gets less as it is used. */
  window: number;
  /** The longest payload that the client takes. */
  readonly maxFrame: number;
  /** The client remembers less than before: the next block of headers has to say that it has heard of it. */
  owesTable: boolean;
}

const NO_PARTS: readonly Buffer[] = [];
const NOTHING = Buffer.alloc(0);
/** No DATA is cut shorter for want of room, in bytes: the next batch has it. */
const WORTH_A_FRAME = 1_024;

export class Outgoing {
  readonly id: number;
  /** What the client takes of this stream, in bytes; below 0 where it has changed its mind. */
  window: number;
  /** Whether it stands in the line of those who have something to say that may be said. */
  isInLine = false;
  isClosed = false;
  /** Blocks. */
  #head: Buffer | undefined;
  #trailers: Buffer | undefined;
  /** The stream is reset behind its end. */
  #isReset = false;
  #parts = NO_PARTS;
  #part = 0;
  #offset = 0;
  /** Of the message, in bytes. */
  #left = 0;
  #done: (() => void) | undefined;
  #moved: (() => void) | undefined;
  #hasSaidAll = false;
  readonly #onEnded: () => void;

  constructor(id: number, window: number, onEnded: () => void) {
    this.id = id;
    this.window = window;
    this.#onEnded = onEnded;
  }

  /** Whether a message has not left yet. */
  get isWriting(): boolean {
    return this.#done !== undefined;
  }

  /** Whether it has said all, or has nothing to say for now but what waits for the client's window. */
  get isQuiet(): boolean {
    if (this.isClosed) return true;
    if (this.#head !== undefined) return false;
    return this.#left > 0 ? this.window <= 0 : this.#trailers === undefined;
  }

  /** @param block encoded headers, before anything else */
  begin(block: Buffer): void {
    this.#head = block;
  }

  /** @param length of all parts, at least 1 @param done once they have left @param moved as of {@link moved} */
  message(parts: readonly Buffer[], length: number, done: () => void, moved: (() => void) | undefined): void {
    this.#parts = parts;
    this.#part = 0;
    this.#offset = 0;
    this.#left = length;
    this.#done = done;
    this.#moved = moved;
  }

  /** @param block encoded headers, behind everything else @param isReset what the client still has to say is not read */
  end(block: Buffer, isReset: boolean): void {
    this.#trailers = block;
    this.#isReset = isReset;
  }

  /** Nothing more will be said, and nothing told. */
  close(): void {
    this.isClosed = true;
    this.#parts = NO_PARTS;
    this.#head = undefined;
    this.#trailers = undefined;
    this.#done = undefined;
    this.#moved = undefined;
    this.#left = 0;
    this.#hasSaidAll = false;
  }

  /** Says as much as there is room and allowance for. */
  fill(batch: Batch, allowance: Allowance): void {
    if (this.#head !== undefined) {
      if (!this.#headers(batch, allowance, this.#head, false)) return;
      this.#head = undefined;
    }
    while (this.#left > 0) {
      const room = batch.room - HEAD_LENGTH;
      const size = Math.min(this.#left, this.window, allowance.window, allowance.maxFrame, room);
      if (size <= 0 || (size === room && size < WORTH_A_FRAME && size < this.#left)) return;
      writeHead(batch.buffer, batch.reserve(HEAD_LENGTH), size, TYPE.data, 0, this.id);
      this.#add(batch, size);
      this.window -= size;
      allowance.window -= size;
    }
    if (this.#trailers === undefined || !this.#headers(batch, allowance, this.#trailers, true)) return;
    this.#trailers = undefined;
    this.#hasSaidAll = true;
  }

  /** What was filled has left: whoever waits for it is told. */
  left(): void {
    if (this.#left > 0) return this.moved();
    const done = this.#done;
    this.#done = undefined;
    this.#moved = undefined;
    this.#parts = NO_PARTS;
    done?.();
    if (this.#hasSaidAll) this.#onEnded();
  }

  /** @returns whether there was room for it. */
  #headers(batch: Batch, allowance: Allowance, block: Buffer, isEnd: boolean): boolean {
    const whole = allowance.owesTable ? Buffer.concat([EMPTY_TABLE, block]) : block;
    const frames = headersFrames(this.id, whole, isEnd);
    const reset = isEnd && this.#isReset ? numberFrame(TYPE.reset, this.id, ERROR.none) : NOTHING;
    if (frames.length + reset.length > batch.room) return false;
    allowance.owesTable = false;
    batch.add(frames);
    batch.add(reset);
    return true;
  }

  /** Some of it has left; or it stands in line, and those before it get on. */
  moved(): void {
    this.#moved?.();
  }

  #add(batch: Batch, size: number): void {
    this.#left -= size;
    for (let left = size; left > 0; ) {
      const part = this.#parts[this.#part];
      // The length is that of all parts.
      if (part === undefined) return;
      const end = Math.min(part.length, this.#offset + left);
      batch.add(this.#offset === 0 && end === part.length ? part : part.subarray(this.#offset, end));
      left -= end - this.#offset;
      this.#offset = end;
      if (end < part.length) continue;
      this.#part += 1;
      this.#offset = 0;
    }
  }
}
