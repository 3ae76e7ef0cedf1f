/**
 * Names of endpoints whose clusters were sent before the client asked for any endpoints: it gets them whatever it says that
 * it has (C3). Pure.
 */
import type { TypeLog } from './type-log.ts';

/** So many names of what is gone are kept for a client that asks for clusters and for no endpoints. */
const MAX_GONE = 64;
/** A first state comes in few parts; whoever then asks for no endpoints keeps no more of them. */
const MAX_SHARED = 16;

export class EndpointsDue {
  readonly #names = new Set<string>();
  /** Of clusters that many streams were sent. */
  readonly #shared: ReadonlySet<string>[] = [];

  /** How many are noted for this stream alone: bounded by what there is, though clusters come and go. */
  get size(): number {
    return this.#names.size;
  }

  get isEmpty(): boolean {
    return this.#names.size === 0 && this.#shared.every(({ size }) => size === 0);
  }

  has(name: string): boolean {
    return this.#names.has(name) || this.#shared.some((names) => names.has(name));
  }

  /** @param log of endpoints */
  add(name: string, log: TypeLog): void {
    this.#names.add(name);
    if (this.#names.size <= MAX_GONE + 2 * log.size) return;
    for (const each of this.#names) if (log.entry(each)?.current === undefined) this.#names.delete(each);
  }

  /** @returns whether they are noted: otherwise they are to be added one by one */
  share(names: ReadonlySet<string>): boolean {
    if (this.#shared.length >= MAX_SHARED) return false;
    this.#shared.push(names);
    return true;
  }
}
