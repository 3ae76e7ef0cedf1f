import { RE2JS } from 're2js';
import { describe, expect, test } from 'vitest';
import type { ClusterLoadAssignment, HeaderMatcher, RouteConfiguration } from '../../../src/generated/envoy.d.ts';
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import { memberEquals, memberMatchers } from '../../../src/translate/member-regex.ts';
import type { ResourceChange } from '../../../src/translate/resource.ts';
import { Translator } from '../../../src/translate/translate.ts';
import { aChange, aModel, aPredicate, aServiceModel } from '../../support/models.ts';

function takes(matcher: HeaderMatcher | undefined, value: string): boolean {
  const regex = matcher?.string_match?.safe_regex?.regex ?? '';
  return RE2JS.compile(regex).matches(value) !== (matcher?.invert_match ?? false);
}

describe('members of baggage as regular expressions', () => {
  const key = memberEquals('baggage', 'detour', 'pr-1');

  test.each([
    'detour=pr-1',
    'a=1,detour=pr-1',
    'detour=pr-1,b=2',
    'a=1 , detour = pr-1 ; p=q , b=2',
    'DETOUR=pr-1',
    'detour=pr-1;x',
  ])('%j carries the key', (value) => expect(takes(key, value)).toBe(true));

  test.each(['detour=pr-12', 'xdetour=pr-1', 'detour=pr-', 'a=detour=pr-1', 'detour=PR-1', 'a=1;detour=pr-1', 'detourpr-1', ''])(
    '%j does not',
    (value) => expect(takes(key, value)).toBe(false),
  );

  test('values are the same however they are encoded, and end where the member does', () => {
    const exact = memberEquals('baggage', 'user', 'a b,é.*');
    expect(takes(exact, 'user=a%20b%2C%C3%A9.*')).toBe(true);
    expect(takes(exact, 'user=a%20b%2c%c3%a9%2E%2a')).toBe(true);
    expect(takes(exact, 'user=a%20b%2c%c3%a9xx')).toBe(false);
    const [[prefix] = []] = memberMatchers('baggage', 'user', 'prefix', 'al');
    const [[suffix] = []] = memberMatchers('baggage', 'user', 'suffix', 'ce');
    const [[contains] = []] = memberMatchers('baggage', 'user', 'contains', 'lic');
    for (const matcher of [prefix, suffix, contains]) {
      expect(takes(matcher, 'x=1,user=alice;p=q')).toBe(true);
      expect(takes(matcher, 'user=eve,other=alice')).toBe(false);
    }
  });

  test('absent: no header, or a header without the member; a regex cannot be told', () => {
    const [[noHeader] = [], [noMember] = []] = memberMatchers('baggage', 'user', 'absent', '');
    expect(noHeader).toEqual({ name: 'baggage', present_match: true, invert_match: true });
    expect([takes(noMember, 'a=1'), takes(noMember, 'user=x'), takes(noMember, 'user=')]).toEqual([true, false, true]);
    expect(memberMatchers('baggage', 'user', 'regex', '.*')).toEqual([]);
  });
});

describe('a client that routes for itself', () => {
  const NONE: ReadonlySet<never> = new Set();
  const scope = { kind: 'client' } as const;
  const translate = (model: ReturnType<typeof aModel>): readonly ResourceChange[] =>
    new Translator({ carriers: DEFAULT_CARRIERS, lua: '' }).scope(scope).update(model, undefined, NONE);
  const message = <Message>(changes: readonly ResourceChange[], type: string, name: string): Message =>
    changes.find((each) => each.type === type && each.name === name)?.resource?.message as Message; // the caller says which

  test('the header before members, members before rules, rules before the baseline; no copies', () => {
    const service = aServiceModel({
      ports: [{ intercepts: [{ rule: [[aPredicate('x-user', 'exact', 'alice')]] }, { key: 'pr-7', mode: 'mirror' }] }],
    });
    const changes = translate(aModel({ services: [service] }));
    const [host] = message<RouteConfiguration>(changes, 'route', 'api.shop:80').virtual_hosts ?? [];
    expect(host?.routes?.map((route) => [route.name, route.match?.headers?.at(-1)?.name, route.route?.cluster])).toEqual([
      ['key:pr-42', 'x-detour', 'api.shop:80/pr-42'],
      ['key:pr-42', 'baggage', 'api.shop:80/pr-42'],
      ['key:pr-42', 'tracestate', 'api.shop:80/pr-42'],
      ['rule:pr-42', 'x-user', 'api.shop:80/pr-42'],
      ['baseline', undefined, 'api.shop:80'],
    ]);
    expect(changes.map(({ name }) => name)).not.toContain('api.shop:80/pr-7+mirror');
  });

  test.each([
    ['t1|t2', ['t1', 't2'], ['t11', 'at2', '']],
    ['(?i)al.*', ['al', 'ALICE'], ['xal']],
    ['\\Qa|b', ['a|b'], ['a', 'b']],
    ['\\Qa|b\\E|c', ['a|b', 'c'], ['a|bx', 'xc']],
    ['\\\\Qa|b', ['\\Qa', 'b'], ['\\Qax', 'xb']],
    ['\\Qa\\', ['a\\'], ['a']],
  ])('the regex %j takes a whole value in clients that only put ^ and $ around it', (regex, taken, left) => {
    const service = aServiceModel({ ports: [{ intercepts: [{ rule: [[aPredicate('x-tenant', 'regex', regex)]] }] }] });
    const changes = translate(aModel({ services: [service] }));
    const [host] = message<RouteConfiguration>(changes, 'route', 'api.shop:80').virtual_hosts ?? [];
    const matcher = host?.routes?.find((route) => route.name === 'rule:pr-42')?.match?.headers?.[0]?.string_match?.safe_regex;
    const pattern = RE2JS.compile(`^${matcher?.regex}$`);
    for (const value of taken) expect(pattern.test(value)).toBe(true);
    for (const value of left) expect(pattern.test(value)).toBe(false);
    expect(RE2JS.compile(matcher?.regex ?? '').matches(taken[0] ?? '')).toBe(true);
  });

  test('endpoints as gRPC wants them: a locality with a weight, priorities without a gap', () => {
    const service = aServiceModel({ ports: [{ intercepts: [{}, { key: 'empty', endpoints: [] }] }] });
    const changes = translate(aModel({ services: [service] }));
    const groups = (name: string): unknown =>
      message<ClusterLoadAssignment>(changes, 'endpoints', name).endpoints?.map(
        ({ priority, locality, load_balancing_weight, lb_endpoints }) => [
          priority,
          locality,
          load_balancing_weight,
          lb_endpoints?.[0]?.endpoint?.address?.socket_address?.address,
        ],
      );
    expect(groups('api.shop:80/pr-42')).toEqual([
      [0, {}, 1, '10.0.1.1'],
      [1, {}, 1, '10.0.0.1'],
    ]);
    expect(groups('api.shop:80/empty')).toEqual([[0, {}, 1, '10.0.0.1']]);
  });

  test('a name for each HTTP port, that goes with it', () => {
    const ports = [{ port: 80 }, { port: 9000, protocol: 'http2' }, { port: 5432, protocol: 'opaque' }] as const;
    const translation = new Translator({ carriers: DEFAULT_CARRIERS, lua: '' }).scope(scope);
    const listeners = (changes: readonly ResourceChange[]): readonly string[] =>
      changes
        .filter(({ type }) => type === 'listener')
        .map(({ name, resource }) => `${resource === undefined ? '-' : '+'}${name}`);
    const external = aServiceModel({ name: 'saas', external: true });
    const first = translation.update(aModel({ services: [aServiceModel({ ports }), external] }), undefined, NONE);
    expect(listeners(first)).toEqual(['+api.shop:80', '+api.shop:9000']);
    const next = aModel({ services: [aServiceModel({ ports: ports.slice(1) }), external] });
    expect(listeners(translation.update(next, aChange({ services: ['shop/api'] }), NONE))).toEqual(['-api.shop:80']);
  });
});
