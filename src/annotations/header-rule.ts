/**
 * The rule grammar of `detour.dev/match` (design, section 2): text to {@link Rule} and back.
 *
 *     rule        = alternative { (";" | newline) alternative }
 *     alternative = predicate { "," predicate }
 *     predicate   = subject operator value | subject | "!" subject
 *     operator    = "=" | "^=" | "$=" | "*=" | "~="
 */
import type { Alternative, Operator, Predicate, Rule, Subject } from '../model/rule.ts';
import { shorten } from '../model/shorten.ts';
import { MAX_PREDICATES, MAX_VALUE_LENGTH } from './limits.ts';
import { isRuleError, type RuleError, RuleScanner } from './rule-scanner.ts';

export type ParsedRule =
  | { readonly rule: Rule }
  /** `tooLarge`: nobody read it; it is beyond the limits. Each error is a sentence or two: what is wrong, and the fix. */
  | { readonly errors: readonly string[]; readonly tooLarge: boolean };

/** More are not worth reading. */
const MAX_ERRORS = 5;

const SIGNS: Readonly<Record<Exclude<Operator, 'present' | 'absent'>, string>> = {
  exact: '=',
  prefix: '^=',
  suffix: '$=',
  contains: '*=',
  regex: '~=',
};

/** Reads a rule. One pass, and never throws. */
export function parseRule(text: string): ParsedRule {
  if (text.length > MAX_VALUE_LENGTH) {
    return tooLarge(`The rule has ${text.length} characters; ${MAX_VALUE_LENGTH} is the limit.`);
  }
  const scanner = new RuleScanner(text);
  const alternatives: Alternative[] = [];
  const errors: string[] = [];
  let count = 0;
  while (!scanner.atEnd() && errors.length < MAX_ERRORS) {
    if (scanner.skipAlternativeEnd()) continue;
    const alternative = parseAlternative(scanner, MAX_PREDICATES - count);
    if (isRuleError(alternative)) {
      if (alternative.tooLarge) return tooLarge(alternative.error);
      errors.push(alternative.error);
      scanner.recover();
      continue;
    }
    count += alternative.length;
    alternatives.push(alternative);
  }
  if (errors.length > 0) return { errors, tooLarge: false };
  if (alternatives.length === 0) return { errors: ['The rule is empty. Write a predicate, like x-user=alice.'], tooLarge: false };
  return { rule: { alternatives } };
}

function tooLarge(error: string): ParsedRule {
  return { errors: [error], tooLarge: true };
}

function parseAlternative(scanner: RuleScanner, room: number): readonly Predicate[] | RuleError {
  const predicates: Predicate[] = [];
  const seen = new Set<string>();
  for (;;) {
    const start = scanner.position();
    const predicate = scanner.predicate();
    if (isRuleError(predicate)) return predicate;
    if (predicates.length === room) {
      return { error: `The rule has more than ${MAX_PREDICATES} predicates, which is the limit.`, tooLarge: true };
    }
    const text = formatPredicate(predicate);
    // Else repeating oneself would win over others' rules: more predicates go first.
    if (seen.has(text))
      return { error: `${shorten(scanner.since(start))} is there twice in one alternative. Remove one.`, tooLarge: false };
    seen.add(text);
    predicates.push(predicate);
    if (!scanner.skipComma()) return predicates;
  }
}

/** The rule as text that {@link parseRule} reads back as the same rule: an alternative a line. */
export function formatRule(rule: Rule): string {
  return rule.alternatives.map((alternative) => alternative.map(formatPredicate).join(', ')).join('\n');
}

export function formatPredicate(predicate: Predicate): string {
  const name = formatSubject(predicate.subject);
  if (predicate.operator === 'present') return name;
  if (predicate.operator === 'absent') return `!${name}`;
  return `${name}${SIGNS[predicate.operator]}${formatValue(predicate.value)}`;
}

export function formatSubject(subject: Subject): string {
  return subject.kind === 'baggage' ? `baggage[${subject.name}]` : subject.name;
}

/** Quoted wherever a bare value could be read as anything else. */
function formatValue(value: string): string {
  return /^[A-Za-z0-9._/@+-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}
