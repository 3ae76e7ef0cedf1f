import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keep, sameData } from '../../../src/model/same-data.ts';

const leaf = fc.constantFrom<unknown>(0, 1, '', 'a', true, undefined, null);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b'), tie('value'), { noNullPrototype: true }),
    fc.array(fc.tuple(fc.constantFrom('a', 'b'), tie('value')), { maxLength: 2 }).map((entries) => new Map(entries.toSorted())),
    fc.array(fc.constantFrom('a', 'b')).map((items) => new Set(items)),
  ),
}));

describe('sameData', () => {
  it('is deep equality of plain data', () => {
    fc.assert(
      fc.property(value, value, (a, b) => sameData(a, b) === isDeepStrictEqual(a, b)),
      { numRuns: 2_000 },
    );
  });

  it('holds for every value and its copy', () => {
    fc.assert(fc.property(value, (a) => sameData(a, structuredClone(a))));
  });
});

describe('keep', () => {
  it('keeps the previous object where the next says the same', () => {
    const previous = { a: [1] };
    const next = { a: [2] };
    expect(keep(previous, { a: [1] })).toBe(previous);
    expect(keep(previous, next)).toBe(next);
    expect(keep(undefined, next)).toBe(next);
  });
});
