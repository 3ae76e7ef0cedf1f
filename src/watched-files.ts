/**
 * Files that something else replaces now and then, and that are used together: a certificate and its key. A kubelet swaps
 * a whole folder by one symbolic link, others write file by file. What cannot be used changes nothing: what was there
 * before stays in force.
 */
import { type FSWatcher, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface WatchedFilesOptions<Name extends string> {
  /** Paths by what they are. */
  readonly files: Readonly<Record<Name, string>>;
  /** What people know a file by; its path unless told. */
  readonly called?: (name: Name) => string;
  /** All of them, when any has changed. @throws Error when they do not fit */
  readonly use: (texts: Readonly<Record<Name, string>>) => void;
  /** Told once for each reason; '' when there is none any more. */
  readonly onTrouble: (why: string) => void;
  /** Where nobody says that a file has changed it is looked at so often, ms. */
  readonly pollMs: number;
}

/** Files that are written one after the other are read once. */
const SETTLE_MS = 50;

export class WatchedFiles<Name extends string> implements Disposable {
  readonly #options: WatchedFilesOptions<Name>;
  readonly #names: readonly Name[];
  readonly #watchers: FSWatcher[] = [];
  #settle: NodeJS.Timeout | undefined;
  #poll: NodeJS.Timeout | undefined;
  /** What was used last. */
  #last: string | undefined;
  #trouble = '';
  #isLooking = false;
  /** Something changed while it was looking. */
  #again = false;
  #isStopped = false;

  constructor(options: WatchedFilesOptions<Name>) {
    this.#options = options;
    // The keys of a record of names are these names.
    this.#names = Object.keys(options.files) as Name[];
  }

  /** Why what is in the files now is not used; '' when it is. */
  get trouble(): string {
    return this.#trouble;
  }

  /** Has looked once when it returns, whatever came of it. */
  async start(): Promise<void> {
    for (const folder of new Set(this.#names.map((name) => dirname(this.#options.files[name])))) {
      try {
        // Without it, or when it breaks, there is still the poll.
        this.#watchers.push(watch(folder, { persistent: false }, () => this.#lookSoon()).on('error', () => undefined));
      } catch {}
    }
    await this.#look();
    if (this.#isStopped) return;
    this.#poll = setInterval(() => void this.#look(), this.#options.pollMs).unref();
  }

  [Symbol.dispose](): void {
    this.#isStopped = true;
    clearTimeout(this.#settle);
    clearInterval(this.#poll);
    for (const watcher of this.#watchers) watcher.close();
  }

  #lookSoon(): void {
    clearTimeout(this.#settle);
    if (!this.#isStopped) this.#settle = setTimeout(() => void this.#look(), SETTLE_MS);
  }

  async #look(): Promise<void> {
    if (this.#isLooking) this.#again = true;
    if (this.#isLooking || this.#isStopped) return;
    this.#isLooking = true;
    let why = '';
    try {
      const texts = await this.#read();
      const all = JSON.stringify(texts);
      if (all !== this.#last && !this.#isStopped) {
        this.#options.use(texts);
        this.#last = all;
      }
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    } finally {
      this.#isLooking = false;
      if (this.#again) this.#lookSoon();
      this.#again = false;
    }
    if (this.#isStopped || why === this.#trouble) return;
    this.#trouble = why;
    this.#options.onTrouble(why);
  }

  /** Of several that cannot be read the first is told, whichever was found out first. */
  async #read(): Promise<Readonly<Record<Name, string>>> {
    const { files, called = (name) => files[name] } = this.#options;
    const readings = await Promise.allSettled(this.#names.map((name) => readFile(files[name], 'utf8')));
    const texts = readings.map((reading, index) => {
      if (reading.status === 'fulfilled') return [this.#names[index], reading.value];
      const why = reading.reason instanceof Error ? reading.reason.message : String(reading.reason);
      const name = this.#names[index];
      throw new Error(`${name === undefined ? '' : called(name)} cannot be read: ${why}`);
    });
    // Each name has its own text.
    return Object.fromEntries(texts) as Record<Name, string>;
  }
}
