/** Predicates of a rule → Envoy's header matchers. A header of several lines is matched as one, joined by `,`. */
import type { HeaderMatcher, StringMatcher } from '../generated/envoy.d.ts';
import { baggageHeader } from '../model/carriers.ts';
import type { Operator, Predicate } from '../model/rule.ts';

/** All of them must match. Baggage members are in headers of their own by then: the Lua filter put them there. */
export function headerMatchers(predicates: readonly Predicate[]): readonly HeaderMatcher[] {
  return predicates.map((predicate) => headerMatcher(nameOf(predicate), predicate.operator, predicate.value));
}

export function headerMatcher(name: string, operator: Operator, value: string): HeaderMatcher {
  if (operator === 'present') return { name, present_match: true };
  if (operator === 'absent') return { name, present_match: true, invert_match: true };
  return { name, string_match: stringMatcher(operator, value) };
}

function nameOf({ subject }: Predicate): string {
  return subject.kind === 'baggage' ? baggageHeader(subject.name) : subject.name;
}

function stringMatcher(operator: Exclude<Operator, 'present' | 'absent'>, value: string): StringMatcher {
  switch (operator) {
    case 'exact':
      return { exact: value };
    case 'prefix':
      return { prefix: value };
    case 'suffix':
      return { suffix: value };
    case 'contains':
      return { contains: value };
    case 'regex':
      return { safe_regex: { regex: value } };
  }
}
