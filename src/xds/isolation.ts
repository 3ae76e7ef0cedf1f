/** A response of several resources was refused: its halves are tried, and theirs, until the bad ones stand alone. */
export class Isolation {
  readonly #groups: (readonly string[])[] = [];
  #from: number | undefined;

  /** The cursor before the response that is taken apart; undefined: none is. */
  get from(): number | undefined {
    return this.#from;
  }

  /** @param from the cursor before the response */
  split(names: readonly string[], from: number): void {
    const half = Math.ceil(names.length / 2);
    this.#groups.unshift(names.slice(0, half), names.slice(half));
    this.#from ??= from;
  }

  /** The next names to be sent alone; undefined: it is done. */
  next(): readonly string[] | undefined {
    const group = this.#groups.shift();
    if (group === undefined) this.#from = undefined;
    return group;
  }

  reset(): void {
    this.#groups.length = 0;
    this.#from = undefined;
  }
}
