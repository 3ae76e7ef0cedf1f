/**
 * A source that is read before anybody follows it. A cluster takes a while to answer, and the program is still being
 * loaded meanwhile: what comes until then is kept, and is told to whoever follows, in order.
 */
import type { OnBatch, Source, SourceBatch } from './source.ts';

export class EarlySource implements Source, Disposable {
  readonly name: string;
  readonly clockAheadMs?: () => number | undefined;
  readonly #source: Source;
  readonly #following: Disposable;
  /** Until somebody follows. */
  #early: SourceBatch[] = [];
  #onBatch: OnBatch | undefined;

  /** Begins to read; disposed of when it turns out that nobody follows. */
  constructor(source: Source) {
    this.name = source.name;
    this.#source = source;
    const { clockAheadMs } = source;
    if (clockAheadMs !== undefined) this.clockAheadMs = () => clockAheadMs.call(source);
    this.#following = source.follow((batch) => {
      if (this.#onBatch === undefined) this.#early.push(batch);
      else this.#onBatch(batch);
    });
  }

  /** @throws Error the second time: what came early has been told. */
  follow(onBatch: OnBatch): Disposable {
    if (this.#onBatch !== undefined) throw new Error(`The source ${this.name} is followed already.`);
    this.#onBatch = onBatch;
    const early = this.#early;
    this.#early = [];
    for (const batch of early) onBatch(batch);
    return this;
  }

  lastReadAt(): number {
    return this.#source.lastReadAt();
  }

  [Symbol.dispose](): void {
    this.#early = [];
    this.#following[Symbol.dispose]();
  }
}
