/** Receipts where there is one control plane alone, and nobody else to be asked. */
import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import { askReceipts, type ReceiptAskerOptions } from './receipt-asker.ts';
import { ReceiptBook } from './receipt-book.ts';

const ALONE = { ask: async () => [] };

export class OwnReceipts implements AsyncDisposable {
  readonly #book = new ReceiptBook();
  readonly #ended = new AbortController();
  readonly #asking: Promise<void>;

  constructor(options: Omit<ReceiptAskerOptions, 'book' | 'peers'>) {
    this.#asking = askReceipts({ ...options, book: this.#book, peers: ALONE }, this.#ended.signal);
  }

  /** @param seenAt when the control plane heard of what made the change, ms since the epoch. */
  modelChanged(model: InterceptModel, change: ModelChange, seenAt: number): void {
    this.#book.changed(model, change.services, seenAt);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.abort();
    await this.#asking;
  }
}
