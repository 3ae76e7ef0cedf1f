/** Appends lines to a file or a stream, in the background and in their order; what is too much is counted and left out. */
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Lines that wait at most: those of one turn, too, with which a log begins that has as many intercepts. */
export const MOST_LINES = 50_000;
/** And what they may have together: one may be long, by annotations that somebody wrote. */
export const MOST_BYTES = 32 * 1024 * 1024;
const RETRY_MS = 1_000;
/** How long what waits may take at the end. */
const FLUSH_MS = 2_000;

/** Resolves once the text is written. After a rejection the same text comes again, and no other. */
export type Append = (text: string) => Promise<void>;

export interface LineWriterOptions {
  readonly append: Append;
  readonly mostLines?: number;
  readonly mostBytes?: number;
  readonly retryMs?: number;
  /** A line that stands for so many which are not there. */
  readonly instead: (lines: number) => string;
  readonly onDropped: (lines: number) => void;
  /** Why nothing can be written; undefined: that is over. */
  readonly onTrouble: (why: string | undefined) => void;
}

export class LineWriter implements AsyncDisposable {
  readonly #options: LineWriterOptions;
  readonly #ended = new AbortController();
  #waiting: string[] = [];
  #bytes = 0;
  #dropped = 0;
  #isTroubled = false;
  #work: Promise<void> | undefined;

  constructor(options: LineWriterOptions) {
    this.#options = options;
  }

  /** @param line without its end */
  write(line: string): void {
    const { mostLines = MOST_LINES, mostBytes = MOST_BYTES, onDropped } = this.#options;
    const bytes = Buffer.byteLength(line);
    if (this.#waiting.length >= mostLines || this.#bytes + bytes > mostBytes) {
      this.#dropped += 1;
      onDropped(1);
      return;
    }
    this.#waiting.push(line);
    this.#bytes += bytes;
    this.#work ??= this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const patience = setTimeout(() => this.#ended.abort(), FLUSH_MS);
    if (this.#isTroubled) this.#ended.abort();
    await this.#work;
    clearTimeout(patience);
    this.#ended.abort();
  }

  async #run(): Promise<void> {
    // What comes within a turn is written at once.
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      this.#bytes = 0;
      if (this.#dropped > 0) lines.push(this.#options.instead(this.#dropped));
      this.#dropped = 0;
      if (!(await this.#append(`${lines.join('\n')}\n`))) break;
    }
    this.#work = undefined;
  }

  /** @returns false: it was given up at the end. */
  async #append(text: string): Promise<boolean> {
    const { append, onTrouble, retryMs = RETRY_MS } = this.#options;
    for (;;) {
      try {
        await append(text);
        if (this.#isTroubled) onTrouble(undefined);
        this.#isTroubled = false;
        return true;
      } catch (error) {
        if (!this.#isTroubled) onTrouble(error instanceof Error ? error.message : String(error));
        this.#isTroubled = true;
      }
      if (this.#ended.signal.aborted) return false;
      await sleep(retryMs, undefined, { signal: this.#ended.signal }).catch(() => undefined);
      if (this.#ended.signal.aborted) return false;
    }
  }
}

/**
 * The file is opened for each batch: one that was moved away is made anew. Others may not read it. What a disk that is
 * full took of a text is not written twice: a line in two halves would be none.
 */
export function appendToFile(path: string): Append {
  let written = 0;
  return async (text) => {
    const bytes = Buffer.from(text);
    await using file = await open(path, 'a', 0o600);
    while (written < bytes.length) written += (await file.write(bytes, written)).bytesWritten;
    written = 0;
  };
}

/** What goes wrong is told by what this returns; with nobody to listen for it, too, it would end the process. */
export function appendToStream(stream: NodeJS.WritableStream): Append {
  stream.on('error', () => undefined);
  return (text) =>
    new Promise((resolve, reject) => {
      stream.write(text, (error) => (error ? reject(error) : resolve()));
    });
}
