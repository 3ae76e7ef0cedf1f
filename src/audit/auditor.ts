/**
 * The one door of this room: tells in a log who changed what, and what came of it. Of several replicas one tells what
 * became of intercepts, and each what its own webhook was asked.
 */
import type { Logger } from '../logger.ts';
import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import { AuditBook, type AuditedReceipt } from './audit-book.ts';
import { type Append, LineWriter, type LineWriterOptions } from './line-writer.ts';
import type { AppliedRecord, AuditRecord } from './record.ts';

export interface AuditorOptions {
  readonly append: Append;
  /** How messages name the place. */
  readonly place: string;
  /** Of this process, among its like. */
  readonly replica: string;
  /** ms since the epoch. */
  readonly now: () => number;
  readonly log: Logger;
  readonly onDropped: (lines: number) => void;
  readonly limits?: Pick<LineWriterOptions, 'mostLines' | 'retryMs'>;
}

export class Auditor implements AsyncDisposable {
  readonly #options: AuditorOptions;
  readonly #book = new AuditBook();
  readonly #writer: LineWriter;
  #isSynced = false;
  #isLeading = false;

  constructor(options: AuditorOptions) {
    this.#options = options;
    const { append, place, log, onDropped, limits = {} } = options;
    this.#writer = new LineWriter({
      ...limits,
      append,
      onDropped,
      instead: (lines) => this.#line({ event: 'dropped', lines }),
      onTrouble: (why) => {
        if (why === undefined) log.info(`the audit log can be written again: ${place}`);
        else
          log.warn(`the audit log cannot be written: ${place}: ${why}`, {
            consequence: 'Its lines wait, up to a number, and it is tried again. Serving goes on.',
          });
      },
    });
  }

  /** This replica tells what becomes of intercepts, until the term ends. */
  begin(term: AbortSignal): void {
    if (term.aborted) return;
    this.#isLeading = true;
    term.addEventListener('abort', () => (this.#isLeading = false), { once: true });
    if (this.#isSynced) this.#tellAll();
  }

  /** Every replica notes every change, so that whoever leads next knows what is there. */
  modelChanged(model: InterceptModel, change: ModelChange): void {
    const records = this.#book.changed(model, change.services);
    if (!this.#isLeading) {
      this.#isSynced = true;
      return;
    }
    // What is there at the beginning is not new.
    if (this.#isSynced) for (const record of records) this.#write(record);
    else this.#tellAll();
    this.#isSynced = true;
  }

  received(receipt: AuditedReceipt): void {
    if (!this.#isLeading) return;
    const record = this.#book.received(receipt);
    if (record !== undefined) this.#write(record);
  }

  applied(record: AppliedRecord): void {
    this.#write(record);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer[Symbol.asyncDispose]();
  }

  #tellAll(): void {
    this.#write({ event: 'leading', intercepts: this.#book.size });
    for (const record of this.#book.present()) this.#write(record);
  }

  #write(record: AuditRecord): void {
    this.#writer.write(this.#line(record));
  }

  #line(record: AuditRecord): string {
    const { now, replica } = this.#options;
    const { event, ...rest } = record;
    return JSON.stringify({ audit: event, time: new Date(now()).toISOString(), replica, ...rest });
  }
}
