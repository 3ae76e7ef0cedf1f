import { describe, expect, it } from 'vitest';
import { parseRule } from '../../../src/annotations/header-rule.ts';
import type { Intercept, RuleEntry } from '../../../src/model/intercept.ts';
import { interceptId, type PreviewName } from '../../../src/model/names.ts';
import { compareByAge, comparePreviews, orderRules } from '../../../src/model/order.ts';

function preview(over: Partial<PreviewName>): PreviewName {
  return { namespace: 'shop', key: 'pr-1', kind: 'Deployment', name: 'api', ...over };
}

function entries(rule: string, over: Partial<PreviewName> = {}): readonly RuleEntry[] {
  const parsed = parseRule(rule);
  if (!('rule' in parsed)) throw new Error(parsed.errors.join());
  const name = preview(over);
  const intercept: Intercept = {
    id: interceptId(name, 'shop/api:80'),
    preview: name,
    key: name.key,
    target: 'shop/api:80',
    rule: parsed.rule,
    whenUnavailable: 'baseline',
    mode: 'route',
    percent: 100,
    expiresAt: undefined,
    endpoints: [],
    state: 'active',
    winner: undefined,
    problems: [],
  };
  return parsed.rule.alternatives.map((alternative) => ({ intercept, alternative }));
}

describe('the order of rules', () => {
  it.each([
    { name: 'more predicates first, whatever they are', first: 'x-a, x-b, x-c', second: 'x-a=1, x-b=2' },
    { name: 'exact before prefix', first: 'x-a=1', second: 'x-a^=1' },
    { name: 'exact before suffix', first: 'x-a=1', second: 'x-a$=1' },
    { name: 'prefix before contains', first: 'x-a^=1', second: 'x-a*=1' },
    { name: 'suffix before contains', first: 'x-a$=1', second: 'x-a*=1' },
    { name: 'contains before regex', first: 'x-a*=1', second: 'x-a~=1' },
    { name: 'regex before present', first: 'x-a~=1', second: 'x-a' },
    { name: 'regex before absent', first: 'x-a~=1', second: '!x-a' },
    { name: 'the best operators compared first', first: 'x-a, x-b=1', second: 'x-a^=1, x-b^=1' },
    { name: 'then the second best', first: 'x-a^=1, x-b=1', second: 'x-a=1, x-b' },
  ])('is $name', ({ first, second }) => {
    const [a] = entries(first, { name: 'z' });
    const [b] = entries(second, { name: 'a' });
    if (a === undefined || b === undefined) throw new Error('each rule has an alternative');
    expect(orderRules([a, b])).toEqual([a, b]);
    expect(orderRules([b, a])).toEqual([a, b]);
  });

  it('is by namespace and name where the rules are as narrow; prefix and suffix are', () => {
    const [a] = entries('x-a$=1', { name: 'a' });
    const [b] = entries('x-a^=1', { name: 'b' });
    const [c] = entries('x-a$=1', { namespace: 'web', name: 'a' });
    if (a === undefined || b === undefined || c === undefined) throw new Error('each rule has an alternative');
    expect(orderRules([c, b, a])).toEqual([a, b, c]);
  });

  it('is by place in a rule of one intercept', () => {
    const both = entries('x-a=2; x-a=1');
    expect(orderRules(both.toReversed())).toEqual(both);
  });
});

describe('the order of previews', () => {
  it('is by namespace, name, kind and key', () => {
    const inOrder = [
      preview({}),
      preview({ key: 'pr-2' }),
      preview({ kind: 'Job' }),
      preview({ name: 'b' }),
      preview({ namespace: 'web', name: 'a' }),
    ];
    expect(inOrder.toReversed().sort(comparePreviews)).toEqual(inOrder);
  });
});

describe('the order by age', () => {
  it('is the older first, then by namespace and name', () => {
    const inOrder = [
      { createdAt: 1, namespace: 'web', name: 'z' },
      { createdAt: 2, namespace: 'shop', name: 'b' },
      { createdAt: 2, namespace: 'web', name: 'a' },
    ];
    expect(inOrder.toReversed().sort(compareByAge)).toEqual(inOrder);
  });
});
