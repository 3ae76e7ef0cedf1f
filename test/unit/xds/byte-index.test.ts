/** Names are found by their bytes just as they are by their text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteIndex } from '../../../src/xds/byte-index.ts';
import { mapPacked, packed } from '../../support/xds/packed.ts';

const name = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }),
);

describe('an index of names by their bytes', () => {
  it('finds every name that is in it, and no other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 200 }), fc.array(name, { maxLength: 50 }), (known, others) => {
        const index = new ByteIndex();
        for (const [id, each] of known.entries()) index.add(id, each);
        const asked = [...known, ...others];
        const texts = packed(asked);
        const found = mapPacked(texts, (from, to) => index.find(texts.source.words, from, to));
        expect(found).toEqual(asked.map((each) => known.indexOf(each)));
      }),
    );
  });
});
