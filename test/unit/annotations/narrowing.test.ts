import { describe, expect, it } from 'vitest';
import { parseRule } from '../../../src/annotations/header-rule.ts';
import { isBroadAlternative } from '../../../src/annotations/narrowing.ts';

function isBroad(text: string, named: readonly string[] = []): boolean {
  const parsed = parseRule(text);
  if ('errors' in parsed) throw new Error(parsed.errors.join('\n'));
  return parsed.rule.alternatives.some((alternative) => isBroadAlternative(alternative, new Set(named)));
}

describe('a broad rule', () => {
  it.each([
    'x-user',
    '!x-user',
    'x-user~=".*"',
    'x-a, x-b, !x-c',
    'x-user=alice; x-user',
    'baggage[a]~=".*"',
    // Everybody's requests have these.
    'x-forwarded-proto=https',
    'X-Forwarded-Port^=4',
    'x-envoy-expected-rq-timeout-ms=15000',
    'x-request-id*=-4',
    'x-forwarded-for^=10.',
    'x-forwarded-for$=.1, !x-user',
    'x-user*=a',
    'baggage[user]*=e',
  ])('is %s', (text) => {
    expect(isBroad(text)).toBe(true);
  });

  it.each([
    'x-user=a',
    'x-user^=a',
    'x-user$=a',
    'x-user*=al',
    'x-user=a, !x-b; baggage[c]=d, x-e~=".*"',
    // One address, one request.
    'x-forwarded-for=10.1.2.3',
    'x-request-id=0b2a',
    'x-forwarded-proto=https, x-user=alice',
    'baggage[x-request-id]*=-4',
  ])('is not %s', (text) => {
    expect(isBroad(text)).toBe(false);
  });

  it('is not what looks at a header that the Service allows by its name', () => {
    expect(isBroad('x-forwarded-host=a.example.com', ['x-forwarded-host'])).toBe(false);
    expect(isBroad('x-user*=a', ['x-user'])).toBe(false);
    expect(isBroad('x-user~=a', ['x-user'])).toBe(true);
  });
});
