/** Finds out which intercepts are live on all Envoys, for one term of the leader. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { InterceptId } from '../model/names.ts';
import { mergeReceipts, type ReplicaReceipt } from './merge-receipts.ts';
import type { Peers } from './peers.ts';
import type { ReceiptBook } from './receipt-book.ts';

export interface ReceiptAskerOptions {
  readonly book: ReceiptBook;
  readonly peers: Peers;
  /** Of this replica's own Envoys. */
  readonly receipt: (intercept: InterceptId) => ReplicaReceipt;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Between two looks, ms. */
  readonly everyMs: number;
}

/** Until the term ends. */
export async function askReceipts(options: ReceiptAskerOptions, term: AbortSignal): Promise<void> {
  const { book, peers, receipt, now, everyMs } = options;
  while (!term.aborted) {
    const due = book.due(now());
    if (due.length > 0) {
      const intercepts = due.map(({ intercept }) => intercept);
      const reports = await peers.ask(intercepts, term);
      if (term.aborted) return;
      for (const awaited of due) {
        const { id } = awaited.intercept;
        book.noted(awaited, mergeReceipts([receipt(id), ...reports.map((report) => report?.get(id))]), now());
      }
    }
    await sleep(everyMs, undefined, { signal: term }).catch(() => undefined);
  }
}
