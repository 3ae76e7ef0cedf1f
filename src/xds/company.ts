/** How far one stream goes along with others that are told the same of a type: see {@link SharedPass}. Pure. */
import type { Ledger } from './ledger.ts';
import type { Gate } from './pass.ts';
import type { SharedPass } from './shared-pass.ts';
import type { Subscription } from './subscription.ts';

export class Company {
  readonly #subscription: Subscription;
  readonly #ledger: Ledger;
  #pass: SharedPass | undefined;

  constructor(subscription: Subscription, ledger: Ledger) {
    this.#subscription = subscription;
    this.#ledger = ledger;
  }

  /** What {@link next} returned last, until it is sent. */
  get pass(): SharedPass | undefined {
    return this.#pass;
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
    const isOwing = marks.size > 0;
    // What has changed meanwhile goes with what is owed.
    if (isOwing && log.newestSeq > cursor) return undefined;
    const owed = isOwing ? marks.owed : undefined;
    const pass =
      owed !== undefined ? log.shared.ofNames(owed, maxBytes) : isOwing ? undefined : log.shared.after(cursor, maxBytes);
    if (pass === undefined || (pass.needsClusters && !gate.isOpen)) return undefined;
    return isOwing || wildcard || ids.hasAll(pass.ids) ? pass : undefined;
  }
}
