/** HEADERS and the CONTINUATIONs that follow it, put together to one block. */
import { ERROR, type ErrorCode } from './error-code.ts';
import { FLAG } from './frame.ts';

export interface HeaderBlock {
  readonly stream: number;
  readonly isEnd: boolean;
  readonly bytes: Buffer;
}

/** A block that fits into its bound needs few of them. */
const MOST_FRAMES = 16;

export class HeaderBlocks {
  readonly #maxBytes: number;
  #open: { readonly stream: number; readonly isEnd: boolean } | undefined;
  #parts: Buffer[] = [];
  #length = 0;

  /** @param maxBytes of a block, as it is encoded */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The stream whose block is not complete: nothing but its CONTINUATION may come. */
  get open(): number | undefined {
    return this.#open?.stream;
  }

  /** @returns the block, if it is complete; an error: of the connection. */
  begin(stream: number, flags: number, payload: Buffer): HeaderBlock | ErrorCode | undefined {
    let from = 0;
    let to = payload.length;
    if ((flags & FLAG.padded) !== 0) {
      to -= payload[0] ?? 0;
      from = 1;
    }
    if ((flags & FLAG.priority) !== 0) from += 5;
    if (from > to) return ERROR.protocol;
    this.#open = { stream, isEnd: (flags & FLAG.endStream) !== 0 };
    return this.#add(flags, payload.subarray(from, to));
  }

  /** As {@link begin}. */
  continue(stream: number, flags: number, payload: Buffer): HeaderBlock | ErrorCode | undefined {
    return this.#open?.stream === stream ? this.#add(flags, payload) : ERROR.protocol;
  }

  #add(flags: number, bytes: Buffer): HeaderBlock | ErrorCode | undefined {
    this.#length += bytes.length;
    if (this.#length > this.#maxBytes || this.#parts.length >= MOST_FRAMES) return ERROR.enhanceYourCalm;
    if (this.#open === undefined || (flags & FLAG.endHeaders) === 0) {
      // They are lent.
      this.#parts.push(Buffer.from(bytes));
      return undefined;
    }
    const block = { ...this.#open, bytes: this.#parts.length === 0 ? bytes : Buffer.concat([...this.#parts, bytes]) };
    this.#open = undefined;
    this.#parts = [];
    this.#length = 0;
    return block;
  }
}
