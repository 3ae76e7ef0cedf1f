/** The audit log, read again, says what is there. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { AuditBook } from '../../src/audit/audit-book.ts';
import { auditedState, replay } from '../../src/audit/audit-diff.ts';
import { Auditor } from '../../src/audit/auditor.ts';
import type { AuditRecord, ChangeRecord } from '../../src/audit/record.ts';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import type { Intercept, InterceptModel } from '../../src/model/intercept.ts';
import { arbitraryChange } from '../support/arbitrary-cluster.ts';

const STEP_MS = 7_000;
const nothing = (): void => undefined;
const LOG = { debug: nothing, info: nothing, warn: nothing, error: nothing };
const steps = fc.array(fc.array(arbitraryChange, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 25 });

function statesOf({ services }: InterceptModel) {
  const intercepts = [...services.values()].flatMap((service): readonly Intercept[] => service.intercepts);
  return new Map(intercepts.map((intercept) => [intercept.id, auditedState(intercept)]));
}

test('the lines of every change, one after the other, make what there is; and none says what was so before', () => {
  let lines = 0;
  fc.assert(
    fc.property(steps, (batches) => {
      const engine = new InterceptEngine({ lingerMs: 10_000 });
      const book = new AuditBook();
      const told: ChangeRecord[] = [];
      for (const [step, batch] of batches.entries()) {
        const before = replay(told);
        const change = engine.apply(batch, step * STEP_MS);
        const records = book.changed(engine.model, change.services);
        for (const { intercept, event, before: was, after } of records) {
          const known = before.get(intercept);
          expect(known === undefined).toBe(Object.keys(was).length === 0);
          expect(known).toMatchObject({ ...known, ...was });
          expect(after).not.toEqual(was);
          if (event === 'deleted') expect(known).toEqual(was);
        }
        told.push(...records);
        lines += records.length;
        expect(replay(told)).toEqual(statesOf(engine.model));
      }
      expect(replay(book.present())).toEqual(statesOf(engine.model));
    }),
    { numRuns: 300 },
  );
  expect(lines).toBeGreaterThan(300);
});

test('so do the lines of replicas that lead one after the other, with gaps and with overlaps', async () => {
  // At each step: which replicas begin a term, and which end theirs.
  const terms = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { minLength: 25, maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(steps, terms, async (batches, turns) => {
      const engine = new InterceptEngine({ lingerMs: 0 });
      const lines: string[] = [];
      const append = async (text: string): Promise<void> => void lines.push(...text.trimEnd().split('\n'));
      const replicas = ['a', 'b'].map((replica) => ({
        auditor: new Auditor({ append, place: '', replica, now: () => 0, log: LOG, onDropped: nothing }),
        term: undefined as AbortController | undefined,
      }));
      for (const [step, batch] of batches.entries()) {
        const change = engine.apply(batch, step * STEP_MS);
        const [leads, ends] = turns[step] ?? [0, 0];
        for (const [number, each] of replicas.entries()) {
          if (ends === number) each.term = void each.term?.abort();
          each.auditor.modelChanged(engine.model, change);
          if (leads !== number || each.term !== undefined) continue;
          each.term = new AbortController();
          each.auditor.begin(each.term.signal);
        }
        // Lines of a turn are written after it.
        await new Promise((resolve) => setImmediate(resolve));
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const { auditor } of replicas) await auditor[Symbol.asyncDispose]();
      const records = lines.map((line): AuditRecord => {
        const { audit, ...rest } = JSON.parse(line);
        return { event: audit, ...rest };
      });
      if (replicas.every(({ term }) => term === undefined)) return;
      const said = JSON.stringify([...replay(records)].sort());
      expect(said).toBe(JSON.stringify([...statesOf(engine.model)].sort()));
    }),
    { numRuns: 100 },
  );
});
