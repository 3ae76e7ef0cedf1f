import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatRule, parseRule } from '../../src/annotations/header-rule.ts';
import { isBroadAlternative } from '../../src/annotations/narrowing.ts';
import { parseHostClaim } from '../../src/annotations/parse-host.ts';
import { parseTargets } from '../../src/annotations/parse-target.ts';
import { refusedName } from '../../src/annotations/rule-names.ts';
import { parseInstant } from '../../src/annotations/timestamp.ts';
import type { Operator, Predicate, Rule, Subject } from '../../src/model/rule.ts';
import { cpuMs } from '../support/cpu-time.ts';

const subject: fc.Arbitrary<Subject> = fc
  .record({
    kind: fc.constantFrom('header' as const, 'baggage' as const),
    name: fc.oneof(fc.constantFrom('x-user', 'user', 'a', '-', '_'), fc.stringMatching(/^[a-z0-9_-]{1,20}$/)),
  })
  .filter((each) => refusedName(each) === undefined);

/** Of the characters that the grammar uses itself, and of any others that a header may have. */
const value = fc
  .oneof(
    fc.string({ unit: fc.constantFrom(...'ab=^$*~!,; "\\[]{}\''), minLength: 1, maxLength: 8 }),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
  )
  .filter((text) => !/\p{Cc}|\p{Cs}/u.test(text));

const predicate: fc.Arbitrary<Predicate> = fc
  .record({
    subject,
    operator: fc.constantFrom<Operator>('exact', 'prefix', 'suffix', 'contains', 'regex', 'present', 'absent'),
    value,
  })
  .map((each) => (each.operator === 'present' || each.operator === 'absent' ? { ...each, value: '' } : each));

const rule: fc.Arbitrary<Rule> = fc.record({
  alternatives: fc.array(
    fc.uniqueArray(predicate, {
      minLength: 1,
      maxLength: 5,
      selector: (each) => JSON.stringify([each.subject.kind, each.subject.name, each.operator, each.value]),
    }),
    { minLength: 1, maxLength: 8 },
  ),
});

const piece = fc.oneof(
  fc.constantFrom(
    'x-user',
    'baggage[',
    ']',
    '=',
    '^=',
    '$=',
    '*=',
    '~=',
    '!',
    ',',
    ';',
    '\n',
    '\r',
    '"',
    '\\',
    ' ',
    ':',
    '\u0000',
    '\ud800',
  ),
  fc.string({ unit: 'binary', maxLength: 3 }),
);

/** Text that is nearly a rule: pieces of the grammar in any order, and rules with something put in somewhere. */
const nearlyRule = fc.oneof(
  fc.array(piece, { maxLength: 60 }).map((parts) => parts.join('')),
  fc.tuple(rule, fc.nat(), piece).map(([given, place, more]) => {
    const text = formatRule(given);
    const at = place % (text.length + 1);
    return text.slice(0, at) + more + text.slice(at);
  }),
);

describe('the rule grammar', () => {
  it('reads what it writes as the same rule', () => {
    fc.assert(
      fc.property(rule, (given) => {
        expect(parseRule(formatRule(given))).toEqual({ rule: given });
      }),
      { numRuns: 2000 },
    );
  });

  it('never throws, and what it takes it writes and reads as the same', () => {
    let taken = 0;
    fc.assert(
      fc.property(nearlyRule, (text) => {
        const parsed = parseRule(text);
        if ('errors' in parsed) {
          expect(parsed.errors.length).toBeGreaterThan(0);
          return;
        }
        taken += 1;
        expect(parsed.rule.alternatives.length).toBeGreaterThan(0);
        for (const alternative of parsed.rule.alternatives) expect(alternative.length).toBeGreaterThan(0);
        expect(parseRule(formatRule(parsed.rule))).toEqual(parsed);
      }),
      { numRuns: 5000 },
    );
    expect(taken).toBeGreaterThan(500);
  });

  it('does not care for space, line endings and the case of names', () => {
    fc.assert(
      fc.property(rule, (given) => {
        const spaced = formatRule(given).replaceAll('\n', ' \t\r\n\r\n ').replace(/^/, ' ;\n');
        expect(parseRule(spaced)).toEqual({ rule: given });
      }),
    );
  });

  it('calls no alternative broad that has a positive predicate on a header that tells requests apart', () => {
    const positive: fc.Arbitrary<Predicate> = predicate.filter(
      ({ operator, value }) =>
        ['exact', 'prefix', 'suffix', 'contains'].includes(operator) && (operator !== 'contains' || value.length > 1),
    );
    const without = rule.map(({ alternatives }) =>
      alternatives.map((all) => all.filter(({ operator }) => ['regex', 'present', 'absent'].includes(operator))),
    );
    fc.assert(
      fc.property(rule, without, positive, (given, broad, more) => {
        for (const alternative of given.alternatives) expect(isBroadAlternative([...alternative, more])).toBe(false);
        for (const alternative of broad) expect(isBroadAlternative(alternative)).toBe(true);
      }),
    );
  });

  it.each([
    ['"', 'x="'],
    ['backslashes', '\\'],
    ['spaces', ' '],
    ['semicolons', ';'],
    ['commas', ','],
    ['open brackets', 'baggage['],
    ['predicates', 'x=1,'],
    ['surrogates', '\ud800'],
  ])('takes no time for 1 MiB of %s', (_, piece) => {
    const text = piece.repeat(Math.ceil(2 ** 20 / piece.length));
    const took = cpuMs(() => {
      parseRule(text);
      // The longest that is read at all.
      parseRule(text.slice(0, 8192));
    });
    expect(took).toBeLessThan(250);
  });
});

describe('the other grammars', () => {
  it('never throw', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(
          fc.constantFrom(
            'api',
            '.',
            ':',
            '=',
            ',',
            '/',
            '80',
            'http',
            '%',
            ' ',
            '*',
            'example.com',
            'Z',
            'T',
            '2027-01-31',
            '18:00:00',
            '+',
          ),
          { maxLength: 12 },
        )
        .map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(text, (given) => {
        parseTargets(given, 'shop');
        parseHostClaim(given);
        const instant = parseInstant(given);
        expect(Number.isNaN(instant)).toBe(false);
      }),
      { numRuns: 3000 },
    );
  });

  it('read any instant as the clock does', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }),
        (date) => {
          expect(parseInstant(date.toISOString())).toBe(date.getTime());
        },
      ),
    );
  });
});
