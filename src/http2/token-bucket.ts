/** So many at once, and so many a second. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perMs: number;
  #left: number;
  /** ms */
  #filledAt: number;

  /** @param perSecond how many come back */
  constructor(burst: number, perSecond: number, now: number) {
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#left = burst;
    this.#filledAt = now;
  }

  /** @param now ms @returns whether there was one. */
  take(now: number): boolean {
    this.#left = Math.min(this.#burst, this.#left + (now - this.#filledAt) * this.#perMs);
    this.#filledAt = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }

  fill(): void {
    this.#left = this.#burst;
  }
}
