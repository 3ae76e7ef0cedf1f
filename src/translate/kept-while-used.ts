/** What is made of a few facts, and is the same object for the same facts for as long as anybody has it. */
export class KeptWhileUsed<Made extends object> {
  readonly #kept = new Map<string, WeakRef<Made>>();
  #sweepAt = 64;

  /** @param facts all that `make` depends on, as JSON */
  get(facts: readonly unknown[], make: () => Made): Made {
    const id = JSON.stringify(facts);
    const known = this.last(id);
    if (known !== undefined) return known;
    const made = make();
    this.put(id, made);
    return made;
  }

  /** What was put last, if anybody has it. */
  last(id: string): Made | undefined {
    return this.#kept.get(id)?.deref();
  }

  put(id: string, made: Made): void {
    if (this.last(id) === made) return;
    if (this.#kept.size >= this.#sweepAt) this.#sweep();
    this.#kept.set(id, new WeakRef(made));
  }

  delete(id: string): void {
    this.#kept.delete(id);
  }

  /** So seldom that it costs less than what was made since. */
  #sweep(): void {
    for (const [id, ref] of this.#kept) if (ref.deref() === undefined) this.#kept.delete(id);
    this.#sweepAt = Math.max(64, 2 * this.#kept.size);
  }
}
