import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashOf } from '../../../src/xds/byte-index.ts';
import { IdSet } from '../../../src/xds/id-set.ts';
import { NameTable } from '../../../src/xds/name-table.ts';
import { mapPacked, packed } from '../../support/xds/packed.ts';

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

describe('two sets of numbers', () => {
  const numbers = fc.uniqueArray(fc.nat({ max: 120 }));
  const setOf = (ids: Iterable<number>): IdSet => {
    const result = new IdSet();
    for (const id of ids) result.add(id);
    return result;
  };

  it('are joined, taken from each other and compared', () => {
    fc.assert(
      fc.property(numbers, numbers, (some, others) => {
        const [a, b] = [new Set(some), new Set(others)];
        const check = (ids: IdSet, model: ReadonlySet<number>): void => {
          expect([...ids]).toEqual([...model].sort((x, y) => x - y));
          expect(ids.size).toBe(model.size);
        };
        const joined = setOf(a);
        joined.addAll(setOf(b));
        check(joined, new Set([...a, ...b]));
        const left = setOf(a);
        left.deleteAll(setOf(b));
        check(left, new Set([...a].filter((id) => !b.has(id))));
        left.addAll(setOf(b));
        check(left, new Set([...a, ...b]));
        expect(setOf(a).hasAll(setOf(b))).toBe([...b].every((id) => a.has(id)));
        expect(setOf(a).hasAny(setOf(b))).toBe([...b].some((id) => a.has(id)));
      }),
    );
  });
});

/** So many names whose hashes end alike. */
function meeting(count: number): readonly string[] {
  const names: string[] = [];
  const words = new DataView(new ArrayBuffer(16));
  for (let index = 0; names.length < count; index += 1) {
    const { written } = new TextEncoder().encodeInto(`n${index}`, new Uint8Array(words.buffer));
    if ((hashOf(words, 0, written) & 0x7ff) === 0) names.push(`n${index}`);
  }
  return names;
}

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

  it.each([
    ['any', Array.from({ length: 100 }, (_, index) => `ñ${index}`)],
    ['made to meet in one place', meeting(150)],
  ])('are the same whether a name comes as a text or as bytes: %s', (_kind, names) => {
    const table = new NameTable();
    const texts = packed(names);
    const find = (): readonly number[] => mapPacked(texts, (from, to) => table.findAt(texts.source, from, to));
    const early = table.idOf(names[1] ?? '');
    expect(find()).toEqual(names.map((_, index) => (index === 1 ? early : -1)));
    table.expect(names.length);
    expect(find()).toEqual(names.map((_, index) => (index === 1 ? early : -1)));
    const ids = mapPacked(texts, (from, to) => table.idAt(texts.source, from, to));
    expect(ids.map((id) => table.nameOf(id))).toEqual(names);
    const inUse = new IdSet();
    for (const id of ids.slice(50)) inUse.add(id);
    table.sweep(inUse);
    const left = ids.map((id, index) => (index < 50 ? -1 : id));
    expect(find()).toEqual(left);
    table.expect(names.length);
    expect(find()).toEqual(left);
    expect(names.map((name) => table.idOf(name))).toEqual(mapPacked(texts, (from, to) => table.idAt(texts.source, from, to)));
  });
});
