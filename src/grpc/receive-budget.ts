/** What all connections together may have sent of messages that are not complete. */
export class ReceiveBudget {
  readonly #max: number;
  #used = 0;

  /** @param max bytes */
  constructor(max: number) {
    this.#max = max;
  }

  /** @returns whether there was so much left. */
  take(bytes: number): boolean {
    if (this.#used + bytes > this.#max) return false;
    this.#used += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
