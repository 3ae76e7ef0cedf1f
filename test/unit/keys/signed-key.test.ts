import { describe, expect, test } from 'vitest';
import { readSecrets } from '../../../src/keys/secrets.ts';
import { signKey, verifySignedKey } from '../../../src/keys/signed-key.ts';
import { SIGNED_VECTORS } from '../../support/signed-vectors.ts';

const NOW = Date.parse('2026-11-01T00:00:00Z');

describe('a signed key', () => {
  test.each(SIGNED_VECTORS)('$promise', ({ secret, text, key, refused }) => {
    const verified = verifySignedKey(text, [Buffer.from(secret)], NOW);
    if (key === undefined) expect(verified).toEqual({ refused });
    else expect(verified).toEqual({ key, expires: Number(text.split('.')[1]) });
  });

  test('is made as others make it', () => {
    for (const { secret, text, key } of SIGNED_VECTORS)
      if (key !== undefined) expect(signKey({ key, expires: Number(text.split('.')[1]) }, Buffer.from(secret))).toBe(text);
  });

  test('counts before its expiry, and then no more', () => {
    const secret = Buffer.alloc(32, 7);
    const text = signKey({ key: 'pr-1', expires: 1_000 }, secret);
    expect(verifySignedKey(text, [secret], 999_999)).toEqual({ key: 'pr-1', expires: 1_000 });
    expect(verifySignedKey(text, [secret], 1_000_000)).toEqual({ refused: 'expired' });
  });

  test('counts by any of the secrets, and by none without one', () => {
    const [old, young] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    const text = signKey({ key: 'pr-1', expires: 1_000 }, old);
    expect(verifySignedKey(text, [young, old], 0)).toMatchObject({ key: 'pr-1' });
    expect(verifySignedKey(text, [young], 0)).toEqual({ refused: 'forged' });
    expect(verifySignedKey(text, [], 0)).toEqual({ refused: 'forged' });
  });
});

describe('the file of secrets', () => {
  const texts = (file: string): readonly string[] =>
    readSecrets(Buffer.from(file)).secrets.map((secret) => Buffer.from(secret).toString('latin1'));
  const [a, b] = ['a'.repeat(32), 'b'.repeat(40)];

  test('has one a line, in their order', () => {
    expect(texts(`${a}\n${b}\n`)).toEqual([a, b]);
    expect(texts(a)).toEqual([a]);
  });

  test('may have blanks, empty lines, lines of Windows and remarks', () => {
    expect(texts(`# since May\n\n \t${a} \r\n#${b}\n${b}\r\n`)).toEqual([a, b]);
  });

  test('has no short ones: their lines are told', () => {
    expect(readSecrets(Buffer.from(`short\n${a}\n${'c'.repeat(31)}`))).toMatchObject({
      secrets: [Buffer.from(a)],
      short: [1, 3],
    });
    expect(readSecrets(Buffer.from(''))).toEqual({ secrets: [], short: [] });
  });

  test('has eight at most', () => {
    expect(texts(Array.from({ length: 12 }, (_, index) => `${index}`.padEnd(32, 'x')).join('\n'))).toHaveLength(8);
  });

  test('is bytes: what is no UTF-8 stays what it is', () => {
    const [secret] = readSecrets(Buffer.alloc(33, 0xfe)).secrets;
    expect(secret).toEqual(Buffer.alloc(33, 0xfe));
  });
});
