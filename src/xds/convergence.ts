/** How long a change takes until every stream of its view has answered: counted, not searched. */
import type { InterceptId } from '../model/names.ts';

export interface Batch {
  /** The newest change number of the view after it. */
  readonly seq: number;
  /** ms */
  readonly at: number;
  readonly intercepts: ReadonlySet<InterceptId>;
}

interface Pending {
  readonly batch: Batch;
  /** How many streams have not answered it yet. */
  waiting: number;
}

/** One stream that does not answer must not make all that is published wait for it one by one. */
const MAX_PENDING = 256;
/** Of batches that were put together. */
const MAX_INTERCEPTS = 100;

export class Convergence {
  #pending: Pending[] = [];

  /** How many batches are waited for: bounded. */
  get size(): number {
    return this.#pending.length;
  }

  /** @param streams how many have not answered it yet: all of the view */
  published(batch: Batch, streams: number): void {
    if (streams > 0) this.#pending.push({ batch, waiting: streams });
    if (this.#pending.length > MAX_PENDING) this.#joinNeighbours();
  }

  /** Who has answered the second of two has answered the first. The newest stays as it is. */
  #joinNeighbours(): void {
    const joined: Pending[] = [];
    for (let index = 0; index < this.#pending.length; index += 2) {
      const [first, second] = this.#pending.slice(index, index + 2);
      if (first !== undefined && second === undefined) joined.push(first);
      if (first === undefined || second === undefined) continue;
      const all = new Set([...first.batch.intercepts, ...second.batch.intercepts]);
      const intercepts = all.size <= MAX_INTERCEPTS ? all : second.batch.intercepts;
      joined.push({ batch: { seq: second.batch.seq, at: first.batch.at, intercepts }, waiting: second.waiting });
    }
    this.#pending = joined;
  }

  /**
   * A stream that had answered up to change number `from` has answered up to `to`; Infinity when it has left.
   * @returns what every stream has answered now.
   */
  progressed(from: number, to: number): readonly Batch[] {
    const done: Batch[] = [];
    for (const pending of this.#pending) {
      if (pending.batch.seq <= from || pending.batch.seq > to) continue;
      pending.waiting -= 1;
      if (pending.waiting === 0) done.push(pending.batch);
    }
    if (done.length > 0) this.#pending = this.#pending.filter(({ waiting }) => waiting > 0);
    return done;
  }

  get isSettled(): boolean {
    return this.#pending.length === 0;
  }
}
