import { describe, expect, it } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import { aPod, aService, aSlice, puts } from '../../support/builders.ts';

function codes(baseline: Record<string, string>, preview: Record<string, string>, namespace = 'shop'): readonly string[] {
  const engine = new InterceptEngine();
  const pod = aPod({ namespace, annotations: { intercept: 'api.shop', ...preview } });
  engine.apply(puts(aService({ annotations: baseline }), aSlice(), pod), 0);
  const [intercept] = [...engine.intercepts()];
  const found = [...engine.problems()].map(({ code }) => code);
  expect(intercept?.state).toBe(found.length === 0 ? 'active' : 'invalid');
  expect(engine.model.services.get('shop/api')?.ports[0]?.routes.size ?? 0).toBe(
    found.length === 0 && intercept?.mode === 'route' ? 1 : 0,
  );
  return found;
}

describe('what a Service allows', () => {
  it.each([
    { name: 'its own namespace, by default', baseline: {}, namespace: 'shop', problems: [] },
    { name: 'no other namespace, by default', baseline: {}, namespace: 'web', problems: ['NamespaceNotAllowed'] },
    { name: 'namespaces that it names', baseline: { 'allow-from': 'web-*' }, namespace: 'web-1', problems: [] },
    {
      name: 'nobody, where it says none',
      baseline: { 'allow-from': 'none' },
      namespace: 'shop',
      problems: ['NamespaceNotAllowed'],
    },
  ])('is $name', ({ baseline, namespace, problems }) => {
    expect(codes(baseline, {}, namespace)).toEqual(problems);
  });

  it.each([
    { name: 'rules on x-* headers', baseline: {}, preview: { match: 'x-user=alice' }, problems: [] },
    { name: 'no rules on others', baseline: {}, preview: { match: 'cookie=a' }, problems: ['HeaderNotAllowed'] },
    {
      name: 'no rules at all',
      baseline: { 'allow-match': 'none' },
      preview: { match: 'x-user=a' },
      problems: ['HeaderNotAllowed'],
    },
    { name: 'no broad rules', baseline: {}, preview: { match: 'x-user' }, problems: ['RuleTooBroad'] },
    { name: 'broad rules, where it says *', baseline: { 'allow-match': '*' }, preview: { match: 'x-user' }, problems: [] },
    { name: 'mirrors', baseline: {}, preview: { mode: 'mirror' }, problems: [] },
    { name: 'no mirrors', baseline: { 'allow-modes': 'route' }, preview: { mode: 'mirror' }, problems: ['ModeNotAllowed'] },
    { name: 'no shares', baseline: { 'allow-modes': 'route' }, preview: { percent: '10' }, problems: ['ModeNotAllowed'] },
    {
      name: 'no regexes',
      baseline: { 'allow-modes': 'route' },
      preview: { match: 'x-user~=a, x-a=1' },
      problems: ['ModeNotAllowed'],
    },
  ])('is $name', ({ baseline, preview, problems }) => {
    expect(codes(baseline, preview)).toEqual(problems);
  });

  it('is no business of a namespace that it does not allow', () => {
    expect(codes({ 'allow-match': 'none' }, { match: 'x-user=a', mode: 'mirror' }, 'web')).toEqual(['NamespaceNotAllowed']);
  });

  it('counts from the moment that it says so', () => {
    const engine = new InterceptEngine();
    engine.apply(puts(aService(), aSlice(), aPod()), 0);
    const change = engine.apply(puts(aService({ annotations: { 'allow-from': 'none' } })), 1);
    expect(change).toMatchObject({ services: new Set(['shop/api']), keys: new Set(['pr-42']) });
    expect([...engine.intercepts()][0]?.state).toBe('invalid');
  });
});
