/** Digests are equal where sets are, and nowhere else. */
import { describe, expect, it } from 'vitest';
import { SetDigest } from '../../../src/xds/set-digest.ts';
import { sourceOf } from '../../../src/xds/source.ts';

const of = (...texts: readonly string[]): SetDigest => {
  const result = new SetDigest();
  for (const text of texts) {
    const bytes = Buffer.from(`..${text}..`);
    result.add(sourceOf(bytes).words, 2, bytes.length - 2);
  }
  return result;
};

const TEXTS = ['', 'a', 'b', 'ab', 'ba', 'abc', 'abcd', 'abcde', 'abcdabcd', 'a\0', '\0a', 'svc-1.bench:80', 'svc-10.bench:8'];

describe('the digest of a set', () => {
  it('does not depend on the order', () => {
    expect(of(...TEXTS).equals(of(...TEXTS.toReversed()))).toBe(true);
    expect(of(...TEXTS).count).toBe(TEXTS.length);
  });

  it('is another one for every other set', () => {
    const sets = TEXTS.flatMap((a) => [[a], [a, a], [a, a, a], ...TEXTS.filter((b) => b > a).map((b) => [a, b])]);
    for (const set of sets) expect(sets.filter((other) => of(...other).equals(of(...set)))).toEqual([set]);
    expect(of('a=1', 'b=2').equals(of('a=2', 'b=1'))).toBe(false);
  });

  it('is what it was when one that came has gone', () => {
    const set = of('a', 'b');
    const bytes = Buffer.from('c');
    set.add(sourceOf(bytes).words, 0, 1);
    expect(set.equals(of('c', 'b', 'a'))).toBe(true);
    set.delete(sourceOf(bytes).words, 0, 1);
    expect(set.equals(of('a', 'b'))).toBe(true);
  });

  it('is another one for each of many texts that differ little, and for what is left out of them', () => {
    const texts = Array.from({ length: 400 }, (_, index) => `svc-${index}.bench:80`);
    const all = of(...texts);
    const without = texts.map((text) => {
      const rest = all.copy();
      const bytes = Buffer.from(text);
      rest.delete(sourceOf(bytes).words, 0, bytes.length);
      return rest;
    });
    for (const rest of without) expect(without.filter((other) => other.equals(rest))).toHaveLength(1);
  });
});
