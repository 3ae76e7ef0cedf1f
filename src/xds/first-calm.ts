/** How often it is looked, in ms, and how often in a row it must be calm. */
const CHECK_MS = 250;
const CHECKS = 6;

/** Tells when those that came first have all they want: what was needed to get there is over. */
export class FirstCalm implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #calmChecks = 0;

  /**
   * @param isCalm there are streams, and none waits or is being brought up to date
   * @param tell called once
   */
  constructor(isCalm: () => boolean, tell: () => void) {
    this.#timer = setInterval(() => {
      this.#calmChecks = isCalm() ? this.#calmChecks + 1 : 0;
      if (this.#calmChecks < CHECKS) return;
      this[Symbol.dispose]();
      tell();
    }, CHECK_MS).unref();
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
