/** How much a connection bears of what there is no use for, however small it is. */
import { TokenBucket } from './token-bucket.ts';

export interface PatienceLimits {
  /** Frames that ask for an answer or do nothing, while a client is sent nothing: so many at once, and so many a second. */
  readonly controlBurst: number;
  readonly controlRate: number;
  /** Streams that a client may open and reset, or do wrong. */
  readonly resetBurst: number;
  readonly resetRate: number;
}

export class Patience {
  readonly #control: TokenBucket;
  readonly #resets: TokenBucket;
  readonly #now: () => number;

  /** @param now ms, from whenever */
  constructor({ controlBurst, controlRate, resetBurst, resetRate }: PatienceLimits, now: () => number) {
    this.#now = now;
    this.#control = new TokenBucket(controlBurst, controlRate, now());
    this.#resets = new TokenBucket(resetBurst, resetRate, now());
  }

  /** Something is said: a client may measure the way with a PING whenever something comes. */
  renew(): void {
    this.#control.fill();
  }

  /** One more frame that asks for an answer, or does nothing. @returns whether there may be one more. */
  bearsFrame(): boolean {
    return this.#control.take(this.#now());
  }

  /** One more stream that the client has reset, or done wrong. @returns whether there may be one more. */
  bearsReset(): boolean {
    return this.#resets.take(this.#now());
  }
}
