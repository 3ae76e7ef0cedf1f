export interface BucketSize {
  /** So many at once. */
  readonly burst: number;
  /** One more each so many ms. */
  readonly everyMs: number;
}

/** Lets a burst through, then one at a time. No clock: times come in, in ms. */
export class TokenBucket {
  readonly #size: BucketSize;
  #tokens: number;
  #at: number;

  constructor(size: BucketSize, now: number) {
    this.#size = size;
    this.#tokens = size.burst;
    this.#at = now;
  }

  has(now: number): boolean {
    this.#fill(now);
    return this.#tokens >= 1;
  }

  take(): void {
    this.#tokens -= 1;
  }

  /** As good as a new one. */
  isFull(now: number): boolean {
    this.#fill(now);
    return this.#tokens >= this.#size.burst;
  }

  #fill(now: number): void {
    // A clock that is set back gives nothing.
    const passed = Math.max(0, now - this.#at);
    this.#at = now;
    this.#tokens = Math.min(this.#size.burst, this.#tokens + passed / this.#size.everyMs);
  }
}
