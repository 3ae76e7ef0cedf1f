import { describe, expect, it } from 'vitest';
import { matchesGlob } from '../../../src/annotations/glob.ts';
import { parseRule } from '../../../src/annotations/header-rule.ts';
import { parseBaseline } from '../../../src/annotations/parse-baseline.ts';
import { checkModes, checkRule, namespaceAllowed } from '../../../src/annotations/policy.ts';
import type { Rule } from '../../../src/model/rule.ts';
import { cpuMs } from '../../support/cpu-time.ts';
import { type Annotations, service } from './objects.ts';

function rule(text: string): Rule {
  const parsed = parseRule(text);
  if ('errors' in parsed) throw new Error(parsed.errors.join('\n'));
  return parsed.rule;
}

function codes(text: string, annotations: Annotations = {}): readonly string[] {
  return checkRule(rule(text), parseBaseline(service(annotations))).map(({ code }) => code);
}

describe('what a Service allows in rules', () => {
  it.each([
    ['x-user=alice', {}],
    ['baggage[user]=alice, !x-robot', {}],
    ['cookie*=a', { 'allow-match': 'cookie' }],
    ['x-user-id=1', { 'allow-match': 'x-user-*' }],
    ['baggage[user-id]=1', { 'allow-match': 'x-*, baggage[*-id]' }],
    ['cookie*=a, baggage[a]=b', { 'allow-match': '*' }],
    ['x-user; !cookie; x-user~=".*"', { 'allow-match': '*' }],
  ])('is %s with %j', (text, annotations) => {
    expect(codes(text, annotations)).toEqual([]);
  });

  it.each<[string, Annotations, string[]]>([
    ['cookie*=ab', {}, ['HeaderNotAllowed']],
    ['x-user=a, !cookie', {}, ['HeaderNotAllowed']],
    ['x-user=a', { 'allow-match': 'none' }, ['HeaderNotAllowed']],
    ['x-user=a', { 'allow-match': 'baggage[*]' }, ['HeaderNotAllowed']],
    ['baggage[user]=a', { 'allow-match': 'x-*, user, u*' }, ['HeaderNotAllowed']],
    ['x-user=a, x-user^=b; x-user=c', { 'allow-match': 'x-other' }, ['HeaderNotAllowed']],
    ['x-user', {}, ['RuleTooBroad']],
    ['x-user=a; !x-user; x-user~="a.*"', {}, ['RuleTooBroad', 'RuleTooBroad']],
    ['x-user', { 'allow-match': 'x-*, baggage[*]' }, ['RuleTooBroad']],
    ['x-user=a, x-b~="c.*"; x-user=a, x-d~=e', { 'allow-modes': 'route' }, ['ModeNotAllowed']],
    ['cookie~=a', { 'allow-modes': 'route' }, ['HeaderNotAllowed', 'RuleTooBroad', 'ModeNotAllowed']],
  ])('is not %s with %j', (text, annotations, expected) => {
    expect(codes(text, annotations)).toEqual(expected);
  });

  it('is said with the header, and what to do', () => {
    const [violation] = checkRule(rule('cookie*=a'), parseBaseline(service({})));
    expect(violation?.message).toContain('"cookie"');
    expect(violation?.hint).toContain('x-*, baggage[*]');
  });
});

describe('what a Service allows of modes', () => {
  const all = parseBaseline(service({}));
  const routes = parseBaseline(service({ 'allow-modes': 'route' }));

  it('is everything by default', () => {
    expect(checkModes({ mode: 'mirror', percent: 5 }, all)).toEqual([]);
  });

  it('is what it says', () => {
    expect(checkModes({ mode: 'route', percent: 100 }, routes)).toEqual([]);
    expect(checkModes({ mode: 'mirror', percent: 100 }, routes)).toMatchObject([
      { code: 'ModeNotAllowed', message: expect.stringContaining('detour.dev/mode: mirror') },
    ]);
    expect(checkModes({ mode: 'route', percent: 99 }, routes)).toMatchObject([
      { code: 'ModeNotAllowed', message: expect.stringContaining('detour.dev/percent: 99') },
    ]);
  });
});

describe('the namespaces that may intercept a Service', () => {
  it.each<[Annotations, string, boolean]>([
    [{}, 'shop', true],
    [{}, 'other', false],
    [{ 'allow-from': 'team-*' }, 'team-a', true],
    [{ 'allow-from': 'team-*' }, 'shop', false],
    [{ 'allow-from': '*' }, 'any', true],
    [{ 'allow-from': 'none' }, 'shop', false],
    [{ 'allow-from': 'not readable' }, 'shop', false],
  ])('with %j: %s is %s', (annotations, namespace, allowed) => {
    expect(namespaceAllowed(parseBaseline(service(annotations)), namespace)).toBe(allowed);
  });
});

describe('a glob', () => {
  it.each([
    ['', '', true],
    ['a', 'a', true],
    ['a', 'ab', false],
    ['*', '', true],
    ['*', 'abc', true],
    ['a*', 'a', true],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['*b*', 'abc', true],
    ['a*b*c', 'a1b2c', true],
    ['a*b*c', 'a1c2b', false],
    ['a**c', 'abc', true],
    ['*ab*ab', 'abab', true],
    ['*ab*ab', 'aab', false],
    ['a.c', 'abc', false],
  ])('%s matches %s: %s', (glob, text, matches) => {
    expect(matchesGlob(glob, text)).toBe(matches);
  });

  it('takes no time, whatever it is', () => {
    const took = cpuMs(() => {
      expect(matchesGlob('a*'.repeat(60), `${'a'.repeat(5000)}b`)).toBe(true);
      expect(matchesGlob(`${'*a'.repeat(60)}*c`, `${'a'.repeat(5000)}b`)).toBe(false);
    });
    expect(took).toBeLessThan(250);
  });
});
