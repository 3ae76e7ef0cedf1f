import { describe, expect, it } from 'vitest';
import { checkRegex, RE2_MAX_PROGRAM_SIZE, Regexes } from '../../../src/model/re2.ts';
import { programSizeBound } from '../../../src/model/re2-program-size.ts';
import { cpuMs } from '../../support/cpu-time.ts';

describe('a regular expression', () => {
  it.each([
    'a',
    'al.*',
    '^al.*$',
    '(?i)alice|bob',
    '[a-z0-9]{50}',
    '[^@\\s]+@example\\.com',
    '(?:.*,)?\\s*user\\s*=\\s*[a-z0-9]{50}.*',
    '\\d{4}-\\d{2}-\\d{2}',
    '(?P<name>a)',
    '\\Qa.b\\E',
    '\\xC3\\xA9',
    '\\x{e9}',
    '\\377',
    '\\\\x{100}',
    '\\Q\\x{100}\\E',
    '[[:alpha:]]+',
  ])('is fine: %s', (pattern) => {
    expect(checkRegex(pattern)).toEqual({ ok: true });
  });

  it.each([
    '(',
    ')',
    '[a',
    '*a',
    'a**',
    'a++',
    '(?=a)',
    '(?!a)',
    '(?<=a)b',
    '(?<!a)b',
    '(?>a)',
    '(a)\\1',
    '(?P<n>a)(?P=n)',
    '\\pL',
    '\\p{Greek}',
    '\\x{100}',
    '[\\x{100}]',
    '\\400',
    'a\\E',
    'é',
    'a\nb',
    '\ud800',
    '\\',
    '[z-a]',
    '[[:nope:]]',
    '(?z)a',
  ])('is invalid: %j', (pattern) => {
    const verdict = checkRegex(pattern);
    expect(verdict).toMatchObject({ ok: false, code: 'RegexInvalid' });
    if (!verdict.ok) {
      expect(verdict.message).toContain(JSON.stringify(pattern));
      expect(verdict.hint).not.toBe('');
    }
  });

  it.each([
    ['a{1000}'],
    ['a{1001}'],
    ['[a-z]{500}'],
    ['(a{100}){10}b+'],
    ['(((a{10}){10}){10}){10}'],
    [`${'(a+'.repeat(300)}${'){30}'.repeat(100)}`],
    ['(?:(?:(?:x{1000}){1000}){1000}){1000}'],
    ['a(?i){999}'],
    ['a'.repeat(1025)],
    ['('.repeat(2 ** 20)],
    ['[[:'.repeat(2 ** 18)],
  ])('costs too much, and finding that out does not: %.60s', (pattern) => {
    expect(cpuMs(() => void checkRegex(pattern))).toBeLessThan(250);
    const verdict = checkRegex(pattern);
    expect(verdict).toMatchObject({ ok: false, code: 'RegexTooCostly' });
    if (!verdict.ok) expect(verdict.message.length).toBeLessThan(300);
  });

  it('has a bound that grows with everything that repeats', () => {
    expect(programSizeBound('a{90}')).toBeGreaterThan(90);
    expect(programSizeBound('(ab){90}')).toBeGreaterThan(180);
    expect(programSizeBound('.{90}')).toBeGreaterThan(180);
    expect(programSizeBound('(?i)[^k]{90}')).toBeGreaterThan(270);
    expect(programSizeBound('((a{3}){4}){5}')).toBeGreaterThan(60);
    expect(programSizeBound('a{900}')).toBeLessThan(RE2_MAX_PROGRAM_SIZE);
  });
});

describe('Regexes', () => {
  it.each([
    ['al.*', 'alice', true],
    ['al', 'alice', false],
    ['lice', 'alice', false],
    ['^alice$', 'alice', true],
    ['a|alice', 'alice', true],
    ['(?i)ALICE', 'alice', true],
    ['.', 'é', false],
    ['..', 'é', true],
    ['\\xC3\\xA9', 'é', true],
    ['[^a]+', '漢字', true],
    ['\\w+', 'é', false],
    ['(?i)k', '\u212a', false],
    ['.*', '', true],
    ['(', '(', false],
    ['a{1000}', 'a'.repeat(1000), false],
  ])('%s matches the bytes of %s: %s', (pattern, value, matches) => {
    expect(new Regexes().matchWhole(pattern, value)).toBe(matches);
  });

  it('forget old patterns, and answer the same', () => {
    const regexes = new Regexes();
    for (let round = 0; round < 2; round++) {
      for (let count = 0; count < 1200; count++) expect(regexes.matchWhole(`a${count}`, `a${count}`)).toBe(true);
    }
  });
});
