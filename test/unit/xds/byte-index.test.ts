/** Names are found by their bytes just as they are by their text. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteIndex } from '../../../src/xds/byte-index.ts';
import { PackedTexts } from '../../../src/xds/packed-texts.ts';

const name = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 8 }),
);

function packed(texts: readonly string[]): PackedTexts {
  const result = new PackedTexts(Buffer.from(texts.join('')));
  let position = 0;
  for (const text of texts) {
    const from = position;
    position += Buffer.byteLength(text);
    result.push(from, position);
  }
  return result;
}

describe('an index of names by their bytes', () => {
  it('finds every name that is in it, and no other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 200 }), fc.array(name, { maxLength: 50 }), (known, others) => {
        const index = new ByteIndex();
        for (const [id, each] of known.entries()) index.add(id, each);
        const asked = [...known, ...others];
        const texts = packed(asked);
        expect(asked.map((_, position) => index.find(texts, position))).toEqual(asked.map((each) => known.indexOf(each)));
      }),
    );
  });
});

describe('packed texts', () => {
  it('are the texts', () => {
    fc.assert(
      fc.property(fc.array(name), (texts) => {
        const all = packed(texts);
        expect([...all]).toEqual(texts);
        expect(all.length).toBe(texts.length);
        expect(all.includes('a')).toBe(texts.includes('a'));
      }),
    );
  });
});
