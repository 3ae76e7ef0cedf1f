/** Puts what one type has to say into a {@link Pass}, each name once: those with a mark, and those that changed. Pure. */
import type { Ledger } from './ledger.ts';
import type { Pass } from './pass.ts';
import type { Subscription } from './subscription.ts';

/** Of these names alone. */
export function gatherGroup(pass: Pass, ledger: Ledger, names: Iterable<string>): void {
  for (const name of names) {
    const mark = ledger.marks.get(name);
    if (mark !== undefined) pass.consider(name, ledger.log.entry(name), mark);
  }
}

/**
 * @param known is given the names of which the client has just what there is
 * @param now ms
 * @returns whether there is room left.
 */
export function gatherMarks(pass: Pass, ledger: Ledger, known: string[], now: number): boolean {
  for (const [name, mark] of ledger.marks) {
    const verdict = pass.consider(name, ledger.log.entry(name), mark);
    if (verdict === 'full') return false;
    if (verdict === 'known') known.push(name);
    if (verdict === 'held') ledger.hold(name, mark, now);
  }
  return true;
}

/**
 * @param now ms
 * @param seq the view's newest change number
 * @returns how far it came.
 */
export function gatherLog(pass: Pass, ledger: Ledger, subscription: Subscription, now: number, seq: number): number {
  let reached = ledger.cursor;
  for (const entry of ledger.log.since(ledger.cursor)) {
    if (subscription.hasId(entry.id) && !ledger.marks.has(entry.name)) {
      const verdict = pass.consider(entry.name, entry, undefined);
      if (verdict === 'full') {
        ledger.keepSkipped(reached);
        return reached;
      }
      if (verdict === 'held') ledger.mark(entry.name, entry.at(ledger.cursor), { heldSince: now });
    }
    reached = entry.seq;
  }
  return seq;
}
