/** Requests that have to do with a world: aimed at its keys and rules, with noise in every carrier. */
import * as fc from 'fast-check';
import type { Predicate } from '../../src/model/rule.ts';
import {
  arbitraryWorld,
  CORS_ORIGIN,
  HEADERS,
  KEYS,
  MEMBERS,
  PATTERNS,
  PREVIEW_DOMAIN,
  VALUES,
  type World,
} from './arbitrary-world.ts';

/** Which Envoy, and which of its listeners. */
export type Entrance = 'gateway' | 'inbound' | 'outbound' | 'own-inbound' | 'own-outbound';

export interface GeneratedRequest {
  readonly entrance: Entrance;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
}

const blank = fc.constantFrom('', '', '', ' ', '\t ', '  ');

function encoded(text: string, choice: number): string {
  const bytes = [...Buffer.from(text)];
  return bytes
    .map((byte, index) => {
      const plain = byte > 0x20 && byte < 0x7f && !'",;\\%'.includes(String.fromCharCode(byte));
      if (plain && (choice >> (index % 5)) % 2 === 0) return String.fromCharCode(byte);
      const hex = byte.toString(16).padStart(2, '0');
      return `%${choice % 2 === 0 ? hex : hex.toUpperCase()}`;
    })
    .join('');
}

/** A key as it may stand in a carrier: mostly one that a world may have. */
const keyText = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom(...KEYS), fc.nat(31)).map(([key, choice]) => encoded(key, choice)) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '',
      'pr-',
      'pr-1x',
      'PR-1',
      'pr-1%',
      'pr-1%2',
      'pr-1%2C',
      '%20pr-1',
      'pr-1%0a',
      'pr%252D1',
      'ü',
      '"pr-1"',
      'pr 1',
    ),
  },
);

const carrierHeader = fc
  .array(fc.tuple(blank, keyText, blank), { minLength: 1, maxLength: 3 })
  .map((elements) => elements.map((parts) => parts.join('')).join(','));

const memberText = fc
  .record({
    name: fc.oneof(
      { weight: 3, arbitrary: fc.constant('detour') },
      { weight: 3, arbitrary: fc.constantFrom(...MEMBERS) },
      { weight: 1, arbitrary: fc.constantFrom('Detour', 'USER', 'xdetour', 'detour2', 'my detour', '', 'alias-member') },
    ),
    value: fc.oneof(
      { weight: 3, arbitrary: keyText },
      { weight: 3, arbitrary: fc.tuple(fc.constantFrom(...VALUES), fc.nat(31)).map(([value, choice]) => encoded(value, choice)) },
      { weight: 1, arbitrary: fc.constantFrom('', '%00', '%20al', 'al%20', '%FF', '%c3', '%zz', 'a%0D%0Ab', 'detour=pr-1') },
    ),
    property: fc.constantFrom('', '', ';p', ' ; detour=pr-1', ';=', ';'),
    equals: fc.constantFrom('=', '=', '=', ' = ', '\t=', '', '=='),
    before: blank,
    after: blank,
  })
  .map(({ name, value, property, equals, before, after }) => `${before}${name}${equals}${value}${property}${after}`);

const list = fc.array(memberText, { minLength: 1, maxLength: 4 }).map((members) => members.join(','));

/** `weight`: how often it is there, of ten. */
function lines(name: string, value: fc.Arbitrary<string>, weight: number): fc.Arbitrary<readonly (readonly [string, string])[]> {
  const line = value.map((text) => [name, text] as const);
  const none: (readonly [string, string])[] = [];
  return fc.oneof(
    { weight: 10 - weight, arbitrary: fc.constant(none) },
    { weight, arbitrary: line.map((one) => [one]) },
    { weight: 1, arbitrary: fc.array(line, { minLength: 2, maxLength: 3 }) },
  );
}

const ruleValue = fc.constantFrom(...VALUES, '', 'alice2', 'xalicex', 'aab', 'AL');

/** One line: it is the Envoys that write it. */
const mark = lines('x-detour-decided', fc.constantFrom('shop/api:80', 'shop/api:81', 'shop/id:80', 'pay/api:80', 'x'), 1);

const noise = fc
  .tuple(
    lines('x-detour', carrierHeader, 3),
    lines('X-Alias', carrierHeader, 1),
    lines('baggage', list, 5),
    lines('tracestate', list, 2),
    ...HEADERS.map((name) => lines(name, ruleValue, 2)),
    lines('x-detour-baggage-user', ruleValue, 1),
    lines('x-detour-shard', fc.constantFrom('keys', '1', ''), 1),
    mark.map((all) => all.slice(0, 1)),
  )
  .map((all) => all.flat());

const preflight = fc.record({
  origin: fc.constantFrom(CORS_ORIGIN, 'https://App.example.com', 'https://other.example.com'),
  method: fc.constantFrom('GET', 'PUT'),
  asked: fc.constantFrom('x-detour', 'content-type, X-Alias', 'baggage', 'tracestate', 'content-type', 'x-detour-2'),
});

const path = fc.constantFrom('/', '/', '/', '/a', '/a/', '/a/b', '/a/b/c?d=e', '/ab', '/a?x', '/only', '/a/bc', '/%61', '/A');

/** Numbers choose among what the world has. */
const choice = fc.record({
  entrance: fc.constantFrom<Entrance>(
    'gateway',
    'gateway',
    'gateway',
    'inbound',
    'inbound',
    'outbound',
    'own-inbound',
    'own-outbound',
  ),
  hostPrefix: fc.oneof(
    { weight: 9, arbitrary: fc.constant('') },
    { weight: 4, arbitrary: fc.nat().map((number) => ({ key: number })) },
    { weight: 1, arbitrary: fc.constantFrom('pr-9--', 'xn--', '--', 'pr-1---', 'pr-1--x--', 'PR-1--', "a&'b--") },
  ),
  host: fc.oneof(
    { weight: 5, arbitrary: fc.constant('shop.example.com') },
    { weight: 5, arbitrary: fc.nat() },
    { weight: 2, arbitrary: fc.constantFrom('api', 'api--pay', 'a--pay', 'id').map((name) => `${name}.${PREVIEW_DOMAIN}`) },
    { weight: 1, arbitrary: fc.constantFrom('nobody.example.com', 'odd.example.com', 'y.example.com', '[::1]') },
  ),
  hostSuffix: fc.constantFrom('', '', '', ':8080', '.', '.:80', ':'),
  upper: fc.nat(9).map((number) => number === 0),
  service: fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom('api', 'api.shop', 'api.shop.svc', 'api.shop.svc.cluster.local', '10.96.0.1', '[fd00::1]'),
    },
    {
      weight: 2,
      arbitrary: fc.constantFrom('id', 'id.shop', '10.96.0.2', 'api.pay', 'a.pay', 'a--pay', 'a', '127.1.0.1', 'nobody', 'api.'),
    },
  ),
  servicePort: fc.constantFrom('', '', '', '', '', '', '', '', ':80', ':80', ':80', ':81', ':8080', ':'),
  path,
  method: fc.constantFrom('GET', 'GET', 'GET', 'POST', 'DELETE'),
  /** What is aimed at: a key that somebody has, or an alternative of somebody's rule. */
  aim: fc.oneof(
    { weight: 3, arbitrary: fc.record({ rule: fc.nat(), how: fc.nat(63) }) },
    {
      weight: 2,
      arbitrary: fc.record({ key: fc.nat(), carrier: fc.constantFrom('x-detour', 'X-Alias', 'baggage', 'tracestate') }),
    },
    { weight: 2, arbitrary: fc.constant(null) },
  ),
  noise: fc.oneof({ weight: 1, arbitrary: fc.constant<HeaderList>([]) }, { weight: 2, arbitrary: noise }),
  preflight: fc.oneof({ weight: 14, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: preflight }),
});
type Choice = typeof choice extends fc.Arbitrary<infer T> ? T : never;

type HeaderList = GeneratedRequest['headers'];

/** A world, and requests that have something to do with it. */
export const arbitraryCase: fc.Arbitrary<{ readonly world: World; readonly requests: readonly GeneratedRequest[] }> = fc
  .tuple(arbitraryWorld, fc.array(choice, { minLength: 1, maxLength: 80, size: 'max' }))
  .map(([world, choices]) => ({ world, requests: choices.map((each) => requestOf(each, world)) }));

function requestOf(choice: Choice, world: World): GeneratedRequest {
  const host = choice.entrance === 'gateway' ? publicHost(choice, world) : `${choice.service}${choice.servicePort}`;
  const asks: HeaderList =
    choice.preflight === null
      ? []
      : [
          ['origin', choice.preflight.origin],
          ['access-control-request-method', choice.preflight.method],
          ['access-control-request-headers', choice.preflight.asked],
        ];
  return {
    entrance: choice.entrance,
    method: choice.preflight === null ? choice.method : 'OPTIONS',
    path: choice.path,
    headers: [['host', choice.upper ? host.toUpperCase() : host], ...aimed(choice, world), ...asks],
  };
}

function publicHost({ hostPrefix, host, hostSuffix }: Choice, { services, previews }: World): string {
  const hosts = services.flatMap((service) => service.hosts.map((each) => each.split('/')[0] ?? each));
  const chosen = typeof host === 'string' ? host : pick(hosts, host);
  const prefix = typeof hostPrefix === 'string' ? hostPrefix : `${pick(previews, hostPrefix.key).key}--`;
  return `${prefix}${chosen}${hostSuffix}`;
}

/** What is aimed at first, then the noise, which may spoil it. */
function aimed({ aim, noise }: Choice, { previews }: World): HeaderList {
  if (aim === null) return noise;
  if ('key' in aim) {
    const { key } = pick(previews, aim.key);
    const isList = aim.carrier === 'baggage' || aim.carrier === 'tracestate';
    return [[aim.carrier, isList ? `detour=${key}` : key], ...noise];
  }
  const alternatives = previews.flatMap(({ rule }) => rule?.alternatives ?? []);
  if (alternatives.length === 0) return noise;
  const alternative = pick(alternatives, aim.rule);
  const members = alternative.filter(({ subject, operator }) => subject.kind === 'baggage' && operator !== 'absent');
  const names = new Set(alternative.flatMap(({ subject }) => (subject.kind === 'header' ? [subject.name] : [])));
  const baggage = members.map(({ subject, ...rest }) => `${subject.name}=${encoded(matching(rest, aim.how), aim.how)}`);
  const headers: HeaderList = alternative.flatMap((each) =>
    each.subject.kind === 'header' && each.operator !== 'absent' ? [[each.subject.name, matching(each, aim.how)] as const] : [],
  );
  const others = aim.how % 4 === 0 ? noise : noise.filter(([name]) => !names.has(name));
  return [...headers, ...(baggage.length > 0 ? [['baggage', baggage.join(',')] as const] : []), ...others];
}

function matching({ operator, value }: Pick<Predicate, 'operator' | 'value'>, how: number): string {
  const more = how % 2 === 0 ? '' : 'x';
  switch (operator) {
    case 'prefix':
      return `${value}${more}`;
    case 'suffix':
      return `${more}${value}`;
    case 'contains':
      return `${more}${value}${how % 3 === 0 ? '' : 'y'}`;
    case 'regex':
      return PATTERNS[value] ?? '';
    case 'present':
      return 'anything';
    default:
      return value;
  }
}

function pick<T>(values: readonly [T, ...T[]] | readonly T[], number: number): T {
  const value = values[number % values.length];
  if (value === undefined) throw new Error('there is something to pick from');
  return value;
}
