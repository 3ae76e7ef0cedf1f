/** How long a change takes until every stream of its view has answered: counted, not searched. */
import type { InterceptId } from '../model/names.ts';

export interface Batch {
  /** The newest change number of the view after it. */
  readonly seq: number;
  /** ms */
  readonly at: number;
  readonly intercepts: ReadonlySet<InterceptId>;
}

export class Convergence {
  #pending: { readonly batch: Batch; waiting: number }[] = [];

  /** @param streams how many have not answered it yet: all of the view */
  published(batch: Batch, streams: number): void {
    if (streams > 0) this.#pending.push({ batch, waiting: streams });
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
