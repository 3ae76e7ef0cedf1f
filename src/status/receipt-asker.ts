/** Finds out which intercepts are live on all Envoys, for one term of the leader. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { InterceptId } from '../model/names.ts';
import { type MergedReceipt, mergeReceipts, type ReplicaReceipt } from './merge-receipts.ts';
import type { Peers } from './peers.ts';
import type { Awaited, ReceiptBook } from './receipt-book.ts';

export interface ReceiptAskerOptions {
  readonly book: ReceiptBook;
  readonly peers: Pick<Peers, 'ask'>;
  /** Of this replica's own Envoys. */
  readonly receipt: (intercept: InterceptId) => ReplicaReceipt;
  /** Told once it is there, and each time that it is seen to be refused. */
  readonly onReceipt?: ((state: 'live' | 'rejected', awaited: Awaited, receipt: MergedReceipt) => void) | undefined;
  /** ms since the epoch. */
  readonly now: () => number;
  /** Between two looks, ms. */
  readonly everyMs: number;
}

/** Until the term ends. */
export async function askReceipts(options: ReceiptAskerOptions, term: AbortSignal): Promise<void> {
  const { book, peers, receipt, onReceipt, now, everyMs } = options;
  while (!term.aborted) {
    const due = book.due(now());
    if (due.length > 0) {
      const intercepts = due.map(({ intercept }) => intercept);
      const reports = await peers.ask(intercepts, term);
      if (term.aborted) return;
      for (const awaited of due) {
        const { id } = awaited.intercept;
        const merged = mergeReceipts([receipt(id), ...reports.map((report) => report?.get(id))]);
        if (book.noted(awaited, merged, now())) onReceipt?.('live', awaited, merged);
        else if (merged.state === 'rejected') onReceipt?.('rejected', awaited, merged);
      }
    }
    await sleep(everyMs, undefined, { signal: term }).catch(() => undefined);
  }
}
