/** Whether a request matches an alternative of a rule, and what speaks against it. */
import { formatPredicate, formatSubject } from '../annotations/header-rule.ts';
import type { Regexes } from '../model/re2.ts';
import type { Alternative, Predicate } from '../model/rule.ts';
import { shorten } from '../model/shorten.ts';
import { bytesOf, type HeaderLines, headerValue, textOf } from './headers.ts';
import { decodedValue, memberValue } from './members.ts';

/** @returns what the first predicate that fails asks `for`, and what the request has; undefined when all of them hold. */
export function mismatch(alternative: Alternative, lines: HeaderLines, regexes: Regexes): string | undefined {
  const failing = alternative.find((predicate) => !holds(predicate, valueOf(predicate, lines), regexes));
  return failing && `for ${formatPredicate(failing)}, and ${found(failing, valueOf(failing, lines))}`;
}

function valueOf({ subject }: Predicate, lines: HeaderLines): string | undefined {
  if (subject.kind === 'header') return headerValue(lines, subject.name);
  const baggage = headerValue(lines, 'baggage');
  const value = baggage === undefined ? undefined : memberValue(baggage, subject.name);
  return value === undefined ? undefined : decodedValue(value);
}

function holds({ operator, value: wanted }: Predicate, value: string | undefined, regexes: Regexes): boolean {
  if (operator === 'absent') return value === undefined;
  if (value === undefined) return false;
  const bytes = bytesOf(wanted);
  switch (operator) {
    case 'present':
      return true;
    case 'exact':
      return value === bytes;
    case 'prefix':
      return value.startsWith(bytes);
    case 'suffix':
      return value.endsWith(bytes);
    case 'contains':
      return value.includes(bytes);
    case 'regex':
      return regexes.matchWholeBytes(wanted, value);
  }
}

function found(predicate: Predicate, value: string | undefined): string {
  const name = formatSubject(predicate.subject);
  return value === undefined ? `the request has no ${name}` : `${name} is ${JSON.stringify(shorten(textOf(value)))}`;
}
