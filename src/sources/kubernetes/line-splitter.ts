/** Bytes that arrive in pieces → lines. A watch is JSON objects, one a line, of any length. */

/** etcd takes objects of 1.5 MiB; JSON may be somewhat longer than what is stored. */
export const MAX_LINE_BYTES = 16 * 1024 * 1024;

const NEWLINE = 0x0a;

export class LineSplitter {
  readonly #maxBytes: number;
  /** The pieces of a line that has no end yet: joined once, so that a long line does not cost its square. */
  #pieces: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number = MAX_LINE_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of a line that has not ended. */
  get pending(): number {
    return this.#bytes;
  }

  /** The line under way is longer than any that is meant. */
  get overflowed(): boolean {
    return this.#bytes > this.#maxBytes;
  }

  /** The lines that `chunk` completes, without their ends; empty ones are left out. */
  push(chunk: Buffer): readonly string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const line = this.#take(chunk.subarray(start, end));
      if (line.trim() !== '') lines.push(line);
      start = end + 1;
    }
    if (start < chunk.length) {
      this.#pieces.push(chunk.subarray(start));
      this.#bytes += chunk.length - start;
    }
    return lines;
  }

  /** A character of several bytes may lie in two pieces: text is made of whole lines only. */
  #take(last: Buffer): string {
    if (this.#pieces.length === 0) return last.toString('utf8');
    const line = Buffer.concat([...this.#pieces, last]).toString('utf8');
    this.#pieces = [];
    this.#bytes = 0;
    return line;
  }
}
