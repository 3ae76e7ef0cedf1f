import { describe, expect, it } from 'vitest';
import type { BaselinePolicy } from '../../../src/annotations/declarations.ts';
import { parseBaseline } from '../../../src/annotations/parse-baseline.ts';
import { cpuMs } from '../../support/cpu-time.ts';
import { type Annotations, service } from './objects.ts';

const DEFAULTS: BaselinePolicy = {
  hosts: [],
  allowFrom: ['shop'],
  allowMatch: ['x-*', 'baggage[*]'],
  allowModes: new Set(['route', 'mirror', 'percent', 'regex']),
  problems: [],
};

function policy(annotations: Annotations): BaselinePolicy {
  return parseBaseline(service(annotations));
}

function hosts(host: string): readonly string[] {
  const parsed = policy({ host });
  expect(parsed.problems).toEqual([]);
  return parsed.hosts.map((claim) => `${claim.host} ${claim.prefix}`);
}

describe('a baseline Service', () => {
  it('has a policy without saying anything', () => {
    expect(policy({})).toEqual(DEFAULTS);
  });

  it('says whom it allows what', () => {
    const annotations = {
      'allow-from': 'shop, team-*',
      'allow-match': 'X-User, baggage[User-*], x-*',
      'allow-modes': 'route, mirror',
    };
    expect(policy(annotations)).toEqual({
      ...DEFAULTS,
      allowFrom: ['shop', 'team-*'],
      allowMatch: ['x-user', 'baggage[user-*]', 'x-*'],
      allowModes: new Set(['route', 'mirror']),
    });
  });

  it('may allow none and all', () => {
    expect(policy({ 'allow-from': 'none', 'allow-match': ' none ' })).toEqual({ ...DEFAULTS, allowFrom: [], allowMatch: [] });
    expect(policy({ 'allow-from': '*', 'allow-match': '*' })).toEqual({ ...DEFAULTS, allowFrom: ['*'], allowMatch: ['*'] });
  });

  it.each<[Annotations, Partial<BaselinePolicy>]>([
    [{ 'allow-from': 'team a' }, { allowFrom: [] }],
    [{ 'allow-from': '' }, { allowFrom: [] }],
    [{ 'allow-from': 'shop, team.b' }, { allowFrom: ['shop'] }],
    [{ 'allow-from': 'shop,' }, { allowFrom: ['shop'] }],
    [{ 'allow-from': '*, none' }, { allowFrom: [] }],
    [{ 'allow-match': '' }, { allowMatch: [] }],
    [{ 'allow-match': 'x-?' }, { allowMatch: [] }],
    [{ 'allow-match': 'baggage[a' }, { allowMatch: [] }],
    [{ 'allow-match': '*, none' }, { allowMatch: [] }],
    [{ 'allow-modes': 'rout' }, { allowModes: new Set() }],
    [{ 'allow-modes': 'route regex' }, { allowModes: new Set() }],
    [{ 'allow-modes': 'route, all' }, { allowModes: new Set<'route'>(['route']) }],
    [{ 'allow-modes': '' }, { allowModes: new Set() }],
  ])('allows less where it cannot be read: %j', (annotations, expected) => {
    const { problems, ...rest } = policy(annotations);
    const { problems: _, ...defaults } = DEFAULTS;
    expect(rest).toEqual({ ...defaults, ...expected });
    expect(problems).toMatchObject([{ code: 'InvalidValue', subject: { kind: 'Service', key: 'shop/api' } }]);
    expect(problems[0]?.message).toContain(`Service shop/api: detour.dev/${Object.keys(annotations)[0]} `);
  });

  it('allows nothing where its annotations are too large', () => {
    const nothing = { hosts: [], allowFrom: [], allowMatch: [], allowModes: new Set() };
    const many = Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`x${i}`, 'y']));
    for (const annotations of [many, { host: 'a,'.repeat(2 ** 19) }, { 'allow-from': 'a'.repeat(2 ** 20) }]) {
      expect(cpuMs(() => void policy(annotations))).toBeLessThan(250);
      expect(policy(annotations)).toMatchObject({ ...nothing, problems: [{ code: 'AnnotationTooLarge' }] });
    }
    expect(policy({ 'allow-from': 'a,'.repeat(300) })).toMatchObject({
      allowFrom: [],
      problems: [{ code: 'AnnotationTooLarge' }],
    });
  });

  it('is told of annotations that have no effect', () => {
    const { problems } = policy({ intercept: 'api', 'alow-from': '*', preview: 'pr-1' });
    expect(problems).toMatchObject([
      { code: 'UnknownAnnotation', hint: 'Did you mean detour.dev/allow-from?' },
      {
        code: 'MisplacedAnnotation',
        message: expect.stringContaining('detour.dev/intercept has no effect on a Service without'),
      },
      { code: 'MisplacedAnnotation', message: expect.stringContaining('is an annotation here') },
    ]);
  });

  it('that is a preview too keeps its own annotations', () => {
    const parsed = parseBaseline(service({ intercept: 'api', host: 'shop.example.com', foo: 'told by the preview' }, 'pr-42'));
    expect(parsed).toEqual({ ...DEFAULTS, hosts: [{ host: 'shop.example.com', prefix: '/' }] });
  });
});

describe('the hosts of a Service', () => {
  it.each<[string, string[]]>([
    ['shop.example.com', ['shop.example.com /']],
    ['Shop.Example.COM/API', ['shop.example.com /API']],
    ['example.com', ['example.com /']],
    ['localhost', ['localhost /']],
    ['xn--bcher-kva.example.com', ['xn--bcher-kva.example.com /']],
    ['a.example.com, b.example.com/', ['a.example.com /', 'b.example.com /']],
    ['a.example.com/api/, a.example.com/api/v1', ['a.example.com /api', 'a.example.com /api/v1']],
    ['a.example.com/api, A.example.com/api/', ['a.example.com /api']],
    ['a.example.com/a%20b/~c', ['a.example.com /a%20b/~c']],
  ])('are read from %j', (text, expected) => {
    expect(hosts(text)).toEqual(expected);
  });

  it.each([
    ['https://shop.example.com', 'is a URL'],
    ['*.example.com', 'wildcard'],
    ['shop.example.com:8080', 'port'],
    ['10.0.0.1', 'IP address'],
    ['[::1]', 'IP address'],
    ['shop_1.example.com', 'no DNS name'],
    ['shop..example.com', 'no DNS name'],
    ['shop.example.com.', 'no DNS name'],
    ['-shop.example.com', 'no DNS name'],
    ['shop example.com', 'no DNS name'],
    ['bücher.example.com', 'no DNS name'],
    [`${'a'.repeat(64)}.example.com`, 'no DNS name'],
    [`${'a.'.repeat(127)}com`, 'no DNS name'],
    ['/api', 'no DNS name'],
    ['shop.example.com/a//b', 'path'],
    ['shop.example.com/a/../b', 'path'],
    ['shop.example.com/.', 'path'],
    ['shop.example.com/a?b', 'path'],
    ['shop.example.com/a b', 'path'],
    ['shop.example.com/a%2', 'path'],
    ['shop.example.com//', 'path'],
  ])('lose only the entry that is wrong: %j', (entry, message) => {
    const parsed = policy({ host: `good.example.com, ${entry}` });
    expect(parsed.hosts).toEqual([{ host: 'good.example.com', prefix: '/' }]);
    expect(parsed.problems).toMatchObject([{ code: 'InvalidHost', subject: { kind: 'Service', key: 'shop/api' } }]);
    expect(parsed.problems[0]?.message).toContain(message);
    expect(parsed.problems[0]?.message).toContain(entry.slice(0, 50));
  });
});
