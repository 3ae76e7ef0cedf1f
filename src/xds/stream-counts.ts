/** How many streams each identity has. */
export class StreamCounts {
  readonly #counts = new Map<string, number>();

  /** One more. @returns how many there are with it. */
  opened(name: string): number {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return count;
  }

  closed(name: string): void {
    const count = (this.#counts.get(name) ?? 1) - 1;
    if (count > 0) this.#counts.set(name, count);
    else this.#counts.delete(name);
  }
}
