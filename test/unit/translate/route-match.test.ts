import { expect, test } from 'vitest';
import { headerMatchers, matcherPredicate } from '../../../src/translate/route-match.ts';
import { aPredicate } from '../../support/models.ts';

const REGEX = aPredicate('x-version', 'regex', '.*a.{100}');
const USER = aPredicate('x-user', 'exact', 'alice');

test('a regular expression is looked at last: it costs only requests for which all else holds', () => {
  const written = [REGEX, aPredicate('x-team', 'absent'), USER] as const;
  const order = ['x-team', 'x-user', 'x-version'];
  expect(headerMatchers(written).map(({ name }) => name)).toEqual(order);
  const matcher = JSON.stringify(matcherPredicate(written));
  const places = order.map((name) => matcher.indexOf(`"${name}"`));
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  expect(matcher).toContain('and_matcher');
});

test('a single predicate needs nothing around it', () => {
  expect(JSON.stringify(matcherPredicate([USER]))).not.toContain('and_matcher');
});
