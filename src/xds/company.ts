/** How far one stream goes along with others that are told the same of a type: see {@link SharedPass}. Pure. */
import type { Ledger } from './ledger.ts';
import type { Gate } from './pass.ts';
import type { SharedPass } from './shared-pass.ts';
import type { Subscription } from './subscription.ts';

export class Company {
  readonly #subscription: Subscription;
  readonly #ledger: Ledger;
  #pass: SharedPass | undefined;
  /** How far a client that asked for everything by name has come; undefined: it asked for something else. */
  #from: number | undefined;

  constructor(subscription: Subscription, ledger: Ledger) {
    this.#subscription = subscription;
    this.#ledger = ledger;
  }

  /** What {@link next} returned last, until it is sent. */
  get pass(): SharedPass | undefined {
    return this.#pass;
  }

  /** The client has asked for other names: maybe for all there are. */
  begin(): void {
    this.#from = 0;
  }

  /** What others are told by name is not what it is told any more. */
  part(): void {
    this.#from = undefined;
  }

  /** What comes next is for this stream alone. */
  skip(): undefined {
    this.#pass = undefined;
  }

  /**
   * @param maxBytes as of {@link SharedPasses.after}
   * @returns undefined where the client has to be looked at by itself.
   */
  next(gate: Gate, maxBytes: number): SharedPass | undefined {
    this.#pass = this.#find(gate, maxBytes);
    return this.#pass;
  }

  #find(gate: Gate, maxBytes: number): SharedPass | undefined {
    const { wildcard, ids } = this.#subscription;
    const { cursor, log, marks } = this.#ledger;
    const byName = !wildcard && marks.size > 0 && log.newestSeq <= cursor;
    const from = marks.size === 0 ? cursor : byName ? this.#from : undefined;
    const pass = from === undefined ? undefined : log.shared.after(from, maxBytes);
    if (pass === undefined || (pass.needsClusters && !gate.isOpen)) return undefined;
    if (marks.size === 0) return wildcard || ids.hasAll(pass.ids) ? pass : undefined;
    // What else is owed goes with the last of it, in one response.
    const isAll = pass.reached === Infinity ? pass.items.size === marks.size : pass.items.size < marks.size;
    const isOwed = pass.isFresh && isAll && marks.owesAll(pass.ids);
    this.#from = isOwed ? pass.reached : undefined;
    return isOwed ? pass : undefined;
  }
}
