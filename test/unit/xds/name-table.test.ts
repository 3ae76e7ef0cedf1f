import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdSet, NameTable } from '../../../src/xds/name-table.ts';

describe('a set of numbers', () => {
  it('is a set', () => {
    const step = fc.record({ isAdding: fc.boolean(), id: fc.nat({ max: 200 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const ids = new IdSet();
        const model = new Set<number>();
        for (const { isAdding, id } of steps) {
          expect(isAdding ? ids.add(id) : ids.delete(id)).toBe(isAdding ? !model.has(id) : model.has(id));
          if (isAdding) model.add(id);
          else model.delete(id);
        }
        expect([...ids]).toEqual([...model].sort((a, b) => a - b));
        expect(ids.size).toBe(model.size);
      }),
    );
  });
});

describe('numbers of names', () => {
  it('stay while they are in use, and are used again when they are not', () => {
    const table = new NameTable();
    const [a, b] = [table.idOf('a'), table.idOf('b')];
    const inUse = new IdSet();
    inUse.add(b);
    table.sweep(inUse);
    expect(table.find('a')).toBeUndefined();
    expect(table.nameOf(b)).toBe('b');
    expect(table.idOf('c')).toBe(a);
    expect(table.nameOf(a)).toBe('c');
  });
});
