import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { unzip } from '../../../src/kubernetes/unzip.ts';

const TEXT = Buffer.from('what is said again and again, '.repeat(50_000));

test('gzip becomes what it was, of whatever length', async () => {
  for (const length of [0, 1, 16 * 1024 - 1, 16 * 1024, TEXT.length])
    expect((await unzip(gzipSync(TEXT.subarray(0, length)), TEXT.length))?.equals(TEXT.subarray(0, length))).toBe(true);
});

test('what would become larger than it may is not made', async () => {
  expect(await unzip(gzipSync(TEXT), TEXT.length - 1)).toBeUndefined();
  // Nor where the trailer, which says how long it is, does not tell the truth.
  const zipped = gzipSync(TEXT);
  zipped.writeUInt32LE(1, zipped.length - 4);
  expect(await unzip(zipped, TEXT.length / 2)).toBeUndefined();
});

test('what is no gzip, or not all of it, is an error', async () => {
  const zipped = gzipSync(TEXT);
  await expect(unzip(Buffer.from('{}'), 1_000)).rejects.toThrow('incorrect header check');
  await expect(unzip(zipped.subarray(0, zipped.length / 2), TEXT.length)).rejects.toThrow('unexpected end of file');
  await expect(unzip(Buffer.alloc(0), 1_000)).rejects.toThrow('unexpected end of file');
});
