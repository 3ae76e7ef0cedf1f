interface Deadline {
  readonly at: number;
  readonly name: string;
}

/** At most one deadline a name, soonest first. A binary heap: setting one costs O(log n). */
export class Deadlines {
  #heap: Deadline[] = [];
  /** The deadlines that hold. What else is in the heap has been replaced and is skipped when it comes up. */
  readonly #current = new Map<string, number>();

  /** @param at ms since the epoch; undefined: none. */
  set(name: string, at: number | undefined): void {
    if (this.#current.get(name) === at) return;
    if (at === undefined) {
      this.#current.delete(name);
      return;
    }
    this.#current.set(name, at);
    this.#push({ at, name });
    if (this.#heap.length > 2 * this.#current.size + 64) this.#compact();
  }

  next(): number | undefined {
    return this.#top()?.at;
  }

  /** Names whose deadline has come; they have none any more. */
  take(now: number): readonly string[] {
    const due: string[] = [];
    for (let top = this.#top(); top !== undefined && top.at <= now; top = this.#top()) {
      this.#current.delete(top.name);
      due.push(top.name);
    }
    return due;
  }

  /** Deadlines that are set and replaced far ahead of their time must not pile up. */
  #compact(): void {
    this.#heap = [...this.#current].map(([name, at]) => ({ at, name })).sort((a, b) => a.at - b.at);
  }

  #top(): Deadline | undefined {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#current.get(top.name) === top.at) return top;
      this.#pop();
    }
    return undefined;
  }

  #push(deadline: Deadline): void {
    const heap = this.#heap;
    let place = heap.length;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || parent.at <= deadline.at) break;
      heap[place] = parent;
      place = above;
    }
    heap[place] = deadline;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let place = 0;
    while (true) {
      let below = 2 * place + 1;
      let child = heap[below];
      const right = heap[below + 1];
      if (child !== undefined && right !== undefined && right.at < child.at) {
        below += 1;
        child = right;
      }
      if (child === undefined || child.at >= last.at) break;
      heap[place] = child;
      place = below;
    }
    heap[place] = last;
  }
}
