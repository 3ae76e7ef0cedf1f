/** Files that something else replaces now and then: mounted Secrets. Looked at every few seconds, as their links move. */
import { readFile } from 'node:fs/promises';

export interface WatchedFilesOptions<Name extends string> {
  /** Paths by what they are. */
  readonly files: Readonly<Record<Name, string>>;
  /** All of them, when any has changed. @throws Error when they do not fit: what was there before stays in force */
  readonly use: (texts: Readonly<Record<Name, string>>) => void;
  /** Told once for each reason; '' when there is none any more. */
  readonly onTrouble: (why: string) => void;
  readonly everyMs: number;
}

export class WatchedFiles<Name extends string> implements AsyncDisposable {
  readonly #options: WatchedFilesOptions<Name>;
  #timer: NodeJS.Timeout | undefined;
  #last = '';
  #trouble = '';
  #looking: Promise<void> = Promise.resolve();

  constructor(options: WatchedFilesOptions<Name>) {
    this.#options = options;
  }

  /** Has looked once when it returns, whatever came of it. */
  async start(): Promise<void> {
    await this.look();
    this.#timer = setInterval(() => {
      this.#looking = this.look();
    }, this.#options.everyMs);
    this.#timer.unref();
  }

  async look(): Promise<void> {
    let why = '';
    try {
      const names = Object.keys(this.#options.files) as Name[];
      const texts = await Promise.all(names.map((name) => readFile(this.#options.files[name], 'utf8')));
      const all = JSON.stringify(texts);
      if (all !== this.#last) {
        // Each name has its own text.
        this.#options.use(Object.fromEntries(names.map((name, index) => [name, texts[index]])) as Record<Name, string>);
        this.#last = all;
      }
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    if (why !== this.#trouble) this.#options.onTrouble(why);
    this.#trouble = why;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }
}
