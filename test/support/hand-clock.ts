/** A clock that moves when it is told to: whoever waits on it wakes in order, each at its time. */
interface Waiting {
  readonly at: number;
  readonly wake: () => void;
}

export class HandClock {
  #now = 0;
  #waiting: Waiting[] = [];

  /** ms since it was made. */
  readonly now = (): number => this.#now;

  readonly wait = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      this.#waiting.push({ at: this.#now + ms, wake: resolve });
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });

  /** Ends when all that was due by then is done. */
  async advance(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      await turn();
      const next = this.#waiting.reduce<Waiting | undefined>((a, b) => (a === undefined || b.at < a.at ? b : a), undefined);
      if (next === undefined || next.at > until) break;
      this.#now = next.at;
      this.#waiting = this.#waiting.filter((each) => each !== next);
      next.wake();
    }
    this.#now = until;
  }

  /** Time passes, and nobody is woken in time: a busy machine. */
  skip(ms: number): void {
    this.#now += ms;
  }
}

/** A turn of the event loop: what was woken goes on. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
