import { describe, expect, it } from 'vitest';
import { parseRule } from '../../../src/annotations/header-rule.ts';
import { covers } from '../../../src/intercepts/coverage.ts';
import type { Alternative } from '../../../src/model/rule.ts';

function alternative(text: string): Alternative {
  const parsed = parseRule(text);
  const first = 'rule' in parsed ? parsed.rule.alternatives[0] : undefined;
  if (first === undefined) throw new Error(`${text} is no rule`);
  return first;
}

describe('a rule covers another', () => {
  it.each([
    ['x-a=1', 'x-a=1'],
    ['x-a=1, x-b=2', 'x-b=2, x-a=1'],
    ['x-a^=al', 'x-a=alice'],
    ['x-a$=ce', 'x-a=alice'],
    ['x-a*=lic', 'x-a=alice'],
    ['x-a', 'x-a=alice'],
    ['x-a^=al', 'x-a^=alice'],
    ['x-a$=ce', 'x-a$=alice'],
    ['x-a*=l', 'x-a*=al'],
    ['x-a*=l', 'x-a^=al'],
    ['x-a*=l', 'x-a$=al'],
    ['x-a', 'x-a^=al'],
    ['x-a^=al, x-a$=ce', 'x-a=alice'],
    ['x-a=1', 'x-a=1, x-b=2'],
    ['!x-b, x-a^=a', 'x-a=ab, !x-b'],
    ['x-a~="a.*"', 'x-a~="a.*"'],
    ['baggage[u]^=a', 'baggage[u]=ab'],
  ])('%s covers %s', (wide, narrow) => {
    expect(covers(alternative(wide), alternative(narrow))).toBe(true);
  });

  it.each([
    ['x-a=1', 'x-a=2'],
    ['x-a=1', 'x-b=1'],
    ['x-a=1, x-b=2', 'x-a=1'],
    ['x-a=alice', 'x-a^=al'],
    ['x-a^=alice', 'x-a^=al'],
    ['x-a^=al', 'x-a*=al'],
    ['x-a^=al', 'x-a$=al'],
    ['x-a', '!x-a'],
    ['x-a', 'x-a~="a.*"'],
    ['baggage[u]=a', 'u=a'],
    ['x-a~="a.*"', 'x-a~="ab.*"'],
  ])('%s does not cover %s, or does not say so', (wide, narrow) => {
    expect(covers(alternative(wide), alternative(narrow))).toBe(false);
  });
});
