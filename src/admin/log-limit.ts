/** So that whoever is denied again and again does not fill the log. No clock: times come in, in ms. */
export class LogLimit {
  readonly #burst: number;
  readonly #everyMs: number;
  #left: number;
  #at: number | undefined;
  #unsaid = 0;

  /** @param burst so many at once @param everyMs and one more each so many ms */
  constructor(burst = 20, everyMs = 10_000) {
    this.#burst = burst;
    this.#everyMs = everyMs;
    this.#left = burst;
  }

  /** @returns how many were not said since the last one that was; undefined: this one is not to be said either. */
  take(now: number): number | undefined {
    this.#left = Math.min(this.#burst, this.#left + (now - (this.#at ?? now)) / this.#everyMs);
    this.#at = now;
    if (this.#left < 1) {
      this.#unsaid += 1;
      return undefined;
    }
    this.#left -= 1;
    const unsaid = this.#unsaid;
    this.#unsaid = 0;
    return unsaid;
  }
}
