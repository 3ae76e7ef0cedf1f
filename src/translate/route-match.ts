/**
 * Predicates of a rule as Envoy's matchers. Baggage members are in headers of their own by then: the Lua filter put them
 * there.
 */
import type {
  HeaderMatcher,
  StringMatcher,
  XdsMatcher_MatcherList_Predicate,
  XdsStringMatcher,
  XdsTypedExtensionConfig,
} from '../generated/envoy.d.ts';
import { baggageHeader } from '../model/carriers.ts';
import type { Operator, Predicate } from '../model/rule.ts';

/**
 * For `VirtualHost.matcher`: all of them must match. A header of several lines is one value, joined by `,`; a
 * HeaderMatcher would look at its first line alone.
 */
export function matcherPredicate(predicates: readonly [Predicate, ...Predicate[]]): XdsMatcher_MatcherList_Predicate {
  const all = cheapestFirst(predicates).map(singlePredicate);
  const [first, ...others] = all;
  return first !== undefined && others.length === 0 ? first : { and_matcher: { predicate: all } };
}

/** Envoy stops at the first that does not match: a regular expression costs only requests for which all else holds. */
function cheapestFirst(predicates: readonly Predicate[]): readonly Predicate[] {
  return predicates.toSorted((a, b) => Number(a.operator === 'regex') - Number(b.operator === 'regex'));
}

function singlePredicate(predicate: Predicate): XdsMatcher_MatcherList_Predicate {
  const { operator, value } = predicate;
  const input = headerInput(nameOf(predicate));
  if (operator === 'present') return { single_predicate: { input, value_match: ANYTHING } };
  if (operator === 'absent') return { not_matcher: { single_predicate: { input, value_match: ANYTHING } } };
  if (operator === 'regex') return { single_predicate: { input, value_match: { safe_regex: { google_re2: {}, regex: value } } } };
  return { single_predicate: { input, value_match: { [operator]: value } } };
}

/** Any bytes, and none. */
const ANYTHING: XdsStringMatcher = { safe_regex: { google_re2: {}, regex: '\\C*' } };

export function headerInput(header: string): XdsTypedExtensionConfig {
  return {
    name: 'header',
    typed_config: { '@type': 'type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput', header_name: header },
  };
}

/** For lists of routes: all of them must match. */
export function headerMatchers(predicates: readonly Predicate[]): readonly HeaderMatcher[] {
  return cheapestFirst(predicates).map((predicate) => headerMatcher(nameOf(predicate), predicate.operator, predicate.value));
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
