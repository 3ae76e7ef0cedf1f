import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Multimap } from '../../../src/model/multimap.ts';

test('a multimap has the values that were added and not deleted, whatever their number and order', () => {
  const step = fc.record({ kind: fc.constantFrom('add', 'delete'), key: fc.nat(2), value: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const multimap = new Multimap<number, number>();
      const expected = new Map<number, Set<number>>();
      for (const { kind, key, value } of steps) {
        if (kind === 'add') {
          multimap.add(key, value);
          expected.set(key, (expected.get(key) ?? new Set()).add(value));
        } else {
          multimap.delete(key, value);
          expected.get(key)?.delete(value);
        }
        for (const each of [0, 1, 2]) expect([...multimap.get(each)].sort()).toEqual([...(expected.get(each) ?? [])].sort());
      }
    }),
  );
});
