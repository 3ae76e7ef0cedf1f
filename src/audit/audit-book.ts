/** What the log has told of each intercept, by Service, so that a change costs what it touches. No clock and no I/O. */
import type { InterceptModel } from '../model/intercept.ts';
import type { InterceptId, ObjectKey } from '../model/names.ts';
import { type AuditedStates, auditDiff, auditedState, presentRecords, subjectOf } from './audit-diff.ts';
import type { ChangeRecord, ReceiptRecord } from './record.ts';

export interface AuditedReceipt {
  readonly intercept: InterceptId;
  /** Of what its author decided: pods that come and go make no new one. */
  readonly version: string;
  readonly state: 'live' | 'rejected';
  readonly envoys: number;
  readonly acked: number;
  readonly afterMs: number | null;
}

export class AuditBook {
  readonly #byService = new Map<ObjectKey, AuditedStates>();
  /** Of each intercept, the receipt that was told last. */
  readonly #receipts = new Map<InterceptId, string>();

  get size(): number {
    let size = 0;
    for (const states of this.#byService.values()) size += states.size;
    return size;
  }

  /** @param services those that may have changed */
  changed(model: InterceptModel, services: Iterable<ObjectKey>): readonly ChangeRecord[] {
    return [...services].flatMap((service) => {
      const intercepts = model.services.get(service)?.intercepts ?? [];
      const before = this.#byService.get(service) ?? new Map();
      if (intercepts.length === 0 && before.size === 0) return [];
      const after: AuditedStates = new Map(intercepts.map((intercept) => [intercept.id, auditedState(intercept)]));
      if (after.size === 0) this.#byService.delete(service);
      else this.#byService.set(service, after);
      const records = auditDiff(before, after);
      for (const { event, intercept } of records) if (event === 'deleted') this.#receipts.delete(intercept);
      return records;
    });
  }

  /** @returns undefined for what was told, or is about what is not there any more. */
  received({ intercept, version, state, ...counts }: AuditedReceipt): ReceiptRecord | undefined {
    const subject = subjectOf(intercept);
    const service = subject.target.slice(0, subject.target.lastIndexOf(':')) as ObjectKey;
    const said = `${state} ${version}`;
    if (this.#receipts.get(intercept) === said || this.#byService.get(service)?.has(intercept) !== true) return undefined;
    this.#receipts.set(intercept, said);
    return { event: state, ...subject, ...counts };
  }

  present(): readonly ChangeRecord[] {
    return presentRecords(new Map([...this.#byService.values()].flatMap((states) => [...states])));
  }
}
