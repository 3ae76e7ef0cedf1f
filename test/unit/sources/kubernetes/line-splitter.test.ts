import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from '../../../../src/sources/kubernetes/line-splitter.ts';

test('gives the same lines wherever the bytes are cut', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.array(fc.nat()), (texts, cuts) => {
      const lines = texts.map((text) => text.replaceAll('\n', '')).filter((text) => text.trim() !== '');
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
      const splitter = new LineSplitter();
      const got = places.slice(1).flatMap((end, index) => splitter.push(bytes.subarray(places[index], end)));
      expect(got).toEqual(lines);
      expect(splitter.pending).toBe(0);
    }),
  );
});

test('knows of a line without its end, and when it is too long', () => {
  const splitter = new LineSplitter(10);
  expect(splitter.push(Buffer.from('abc\ndef'))).toEqual(['abc']);
  expect([splitter.pending, splitter.overflowed]).toEqual([3, false]);
  splitter.push(Buffer.from('0123456789'));
  expect(splitter.overflowed).toBe(true);
});

test('takes a line of 8 MiB in small pieces without joining it again for each', () => {
  const splitter = new LineSplitter();
  const piece = Buffer.alloc(1024, 'x');
  for (let index = 0; index < 8 * 1024; index += 1) splitter.push(piece);
  expect(splitter.push(Buffer.from('\n'))[0]?.length).toBe(8 * 1024 * 1024);
});
