/** What of one type waits for other types of its stream. Pure. */
import type { Pass } from './pass.ts';

export class Held {
  #seq: number | undefined;
  #since: number | undefined;
  #isAlone = false;

  /** The number of the first change that waits for its clusters; undefined: none does. */
  get seq(): number | undefined {
    return this.#seq;
  }

  /** Since when something waits for its clusters, in ms. */
  get since(): number | undefined {
    return this.#since;
  }

  /** Whether something waits for its clusters, and nothing for anything else. */
  get isAlone(): boolean {
    return this.#since !== undefined && this.#isAlone;
  }

  note({ heldSeq, heldSince, hasHeldRemovals }: Pass): void {
    this.#seq = heldSeq;
    this.#since = heldSince;
    this.#isAlone = !hasHeldRemovals;
  }

  clear(): void {
    this.#seq = undefined;
    this.#since = undefined;
  }

  /** The view is another one: changes have other numbers. */
  forgetSeq(): void {
    this.#seq = undefined;
  }
}
