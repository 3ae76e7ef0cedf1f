/**
 * What somebody of another namespace, `mallory`, can write to get at the requests of `shop/api`, and what comes of it.
 * Each row is an attack: what is written, the problems it is told, and what it gets of the requests below, which is nothing
 * wherever `gets` is not there.
 */
import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/explain/explain.ts';
import type { ExplainedRequest } from '../../../src/explain/explanation.ts';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import { PORT_PROGRAM_SIZE } from '../../../src/intercepts/regex-budget.ts';
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import type { InterceptModel } from '../../../src/model/intercept.ts';
import { type InterceptId, previewOfIntercept } from '../../../src/model/names.ts';
import type { Proxy } from '../../../src/model/proxy.ts';
import { projectObjects } from '../../../src/sources/objects.ts';
import { scopeOf } from '../../../src/translate/scope.ts';

type Annotations = Readonly<Record<string, string>>;
const NOW = Date.parse('2030-01-01T00:00:00Z');

const detour = (annotations: Annotations): Annotations =>
  Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`detour.dev/${name}`, value]));

interface Parts {
  readonly namespace?: string;
  readonly name?: string;
  readonly key?: string;
  readonly created?: string;
  readonly ip?: string;
  readonly spec?: object;
}

/** A ready pod with the preview label: by default of `mallory`, with the key `evil`. */
function preview(
  annotations: Annotations,
  { namespace = 'mallory', name = 'evil', key = 'evil', ip = '10.6.6.6' }: Parts = {},
): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace, name, labels: { 'detour.dev/preview': key }, annotations: detour(annotations) },
    spec: {},
    status: { podIP: ip, conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

/** By default younger than the Service of `shop`. */
function service(annotations: Annotations, parts: Parts = {}): object {
  const { namespace = 'mallory', name = 'api', key, created = '2029-06-01T00:00:00Z', spec } = parts;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      ...{ namespace, name, creationTimestamp: created, annotations: detour(annotations) },
      ...(key !== undefined && { labels: { 'detour.dev/preview': key } }),
    },
    spec: {
      clusterIP: namespace === 'shop' ? '10.96.0.1' : '10.96.6.6',
      ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      ...spec,
    },
  };
}

function slice(targetRef: object | undefined, { namespace = 'mallory', name = 'api', ip = '10.6.6.6' }: Parts = {}): object {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace, name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: [{ addresses: [ip], ...(targetRef !== undefined && { targetRef }) }],
  };
}

const OLD = '2020-01-01T00:00:00Z';
const VICTIM_POD = { kind: 'Pod', namespace: 'shop', name: 'api-0' };

/** `shop/api`, with a preview of its own: `pr-1`. @param policy annotations of the Service */
function shop(policy: Annotations): readonly object[] {
  return [
    service({ host: 'shop.example.com', ...policy }, { namespace: 'shop', created: OLD }),
    slice(VICTIM_POD, { namespace: 'shop', ip: '10.0.0.1' }),
    preview({ intercept: 'api' }, { namespace: 'shop', name: 'api-pr-1', key: 'pr-1', ip: '10.0.1.1' }),
  ];
}

const GATEWAY: Proxy = {
  role: 'gateway',
  ...{ namespace: 'edge', name: 'gateway', listen: { host: '0.0.0.0', port: 8080 } },
  ...{ previewDomain: 'preview.example.com', corsOrigins: [] },
};
const PORT = { listen: { host: '0.0.0.0', port: 15_080 }, app: { host: '127.0.0.1', port: 8080 } };
const OUTBOUND = { host: '127.0.0.1', port: 15_001 };
const SIDECAR = { role: 'sidecar', inbound: [PORT], outbound: OUTBOUND, services: [] } as const;
/** The pod of the baseline, and the sidecar of any other caller, with and without capture. */
const AT_API: Proxy = { ...SIDECAR, namespace: 'shop', name: 'api-0' };
const CALLER: Proxy = { ...SIDECAR, inbound: [], namespace: 'web', name: 'web-0', services: ['shop/api'] };
const CAPTURED: Proxy = { ...SIDECAR, inbound: [], outbound: undefined, namespace: 'web', name: 'web-1', capture: ['ipv4'] };

/** What people's requests carry: nothing, what tells them apart, what all of them have. */
const CARRIED: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  nothing: [],
  'the key evil': [['x-detour', 'evil']],
  'the key pr-1': [['x-detour', 'pr-1']],
  'the user alice': [['x-user', 'alice']],
  'what all carry': [
    ['user-agent', 'curl/8'],
    ['cookie', 'session=1'],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-for', '192.0.2.7'],
    ['x-request-id', '0b2a-4c1d'],
    ['baggage', 'user=bob'],
  ],
};

const DOORS: readonly { readonly name: string; readonly proxy: Proxy; readonly hosts: readonly string[] }[] = [
  {
    name: 'gateway',
    proxy: GATEWAY,
    hosts: [
      'shop.example.com',
      'pr-1--shop.example.com',
      'evil--shop.example.com',
      'pr-1--api--shop.preview.example.com',
      'evil--api--shop.preview.example.com',
    ],
  },
  {
    name: 'api-0',
    proxy: AT_API,
    hosts: ['api', 'api.shop', 'api.shop.svc.cluster.local:80', '10.96.0.1', 'shop.example.com', '10.0.0.1'],
  },
  { name: 'caller', proxy: CALLER, hosts: ['api.shop', 'api.shop:80', '10.96.0.1'] },
  { name: 'captured caller', proxy: CAPTURED, hosts: ['api.shop', '10.96.0.1'] },
];

/** `gateway shop.example.com with the key evil: mallory/evil`, for each request that goes to a copy, or is copied to it. */
function taken(model: InterceptModel, namespace: string): readonly string[] {
  return DOORS.flatMap(({ name, proxy, hosts }) => {
    const listener = name === 'api-0' ? ({ kind: 'inbound', port: PORT.listen.port } as const) : ({ kind: 'outbound' } as const);
    return hosts.flatMap((host) =>
      Object.entries(CARRIED).flatMap(([what, headers]) => {
        const request: ExplainedRequest = {
          ...(proxy.role === 'sidecar' && { listener }),
          ...{ method: 'GET', path: '/pay', headers: [['host', host], ...headers] },
        };
        const explanation = explain(model, scopeOf(proxy, model), request, { carriers: DEFAULT_CARRIERS });
        if ('error' in explanation) throw new Error(explanation.error);
        const { outcome, mirror, target } = explanation;
        // A foreign Service at the victim's own name is taken, too, whoever answers there.
        if (target !== undefined && !target.startsWith('shop/')) return [`${name} ${host} with ${what}: at ${target}`];
        const chosen = [
          ...('intercept' in outcome ? [outcome.intercept] : []),
          ...(mirror === undefined ? [] : [mirror.intercept]),
        ];
        return chosen
          .filter((id) => ownerOf(id) === namespace)
          .map((id) => `${name} ${host} with ${what}: ${previewOfIntercept(id).name}`);
      }),
    );
  });
}

function ownerOf(id: InterceptId): string {
  return previewOfIntercept(id).namespace;
}

interface World {
  readonly model: InterceptModel;
  /** Codes, sorted, each once. */
  readonly problems: readonly string[];
}

function world(objects: readonly object[]): World {
  const projected = objects.map((object) =>
    projectObjects(object, { subject: { kind: 'File', key: 'a.yaml' }, place: 'a.yaml' }),
  );
  const engine = new InterceptEngine();
  engine.apply(
    projected.flatMap((each) => each.objects),
    NOW,
  );
  const problems = [...projected.flatMap((each) => each.problems), ...engine.problems()];
  return { model: engine.model, problems: [...new Set(problems.map(({ code }) => code))].sort() };
}

const manyRegexes = (pattern: string, count: number): string =>
  Array.from({ length: count }, (_, place) => `x-user=alice, x-${place}~="${pattern}"`).join('\n');

interface Row {
  readonly attack: string;
  /** Of the Service `shop/api`. */
  readonly policy?: Annotations;
  readonly writes: readonly object[];
  readonly problems: readonly string[];
  /** What `mallory` gets; each line is a part of one of {@link taken}. */
  readonly gets?: readonly string[];
}

const OTHER_NAMESPACE: readonly Row[] = [
  { attack: 'the Service by its full name', writes: [preview({ intercept: 'api.shop' })], problems: ['NamespaceNotAllowed'] },
  { attack: 'with a port by number', writes: [preview({ intercept: 'api.shop:80' })], problems: ['NamespaceNotAllowed'] },
  { attack: 'with a port by name', writes: [preview({ intercept: 'api.shop:http=9090' })], problems: ['NamespaceNotAllowed'] },
  {
    attack: 'among names of its own',
    writes: [service({}), preview({ intercept: 'api, api.shop:http, api.shop:80' })],
    problems: ['NamespaceNotAllowed', 'NoEndpoints'],
  },
  { attack: 'in odd case', writes: [preview({ intercept: 'API.Shop' })], problems: ['InvalidTarget'] },
  { attack: 'as a path', writes: [preview({ intercept: 'shop/api' })], problems: ['InvalidTarget'] },
  { attack: 'as a path that climbs', writes: [preview({ intercept: '../shop/api' })], problems: ['InvalidTarget'] },
  {
    attack: 'with the domain of the cluster',
    writes: [preview({ intercept: 'api.shop.svc.cluster.local' })],
    problems: ['InvalidTarget'],
  },
  {
    attack: 'with a mark in its name',
    writes: [preview({ intercept: 'api.shop:80, api.shop/x:80' })],
    problems: ['InvalidTarget', 'NamespaceNotAllowed'],
  },
  {
    attack: 'as a mirror, which reads and answers nothing',
    writes: [preview({ intercept: 'api.shop', mode: 'mirror' })],
    problems: ['NamespaceNotAllowed'],
  },
  {
    attack: 'for one of a hundred requests',
    writes: [preview({ intercept: 'api.shop', percent: '1', match: 'x-user=alice' })],
    problems: ['NamespaceNotAllowed'],
  },
  {
    attack: 'by a Service without a selector that is a preview',
    writes: [service({ intercept: 'api.shop' }, { name: 'evil', key: 'evil' }), slice(undefined, { name: 'evil' })],
    problems: ['NamespaceNotAllowed'],
  },
  {
    attack: 'by a policy on a Service of its own',
    writes: [service({ 'allow-from': 'mallory, shop', 'allow-match': '*' }), preview({ intercept: 'api.shop', match: 'x-user' })],
    problems: ['NamespaceNotAllowed'],
  },
  {
    attack: 'by a policy on the preview',
    writes: [preview({ intercept: 'api.shop', 'allow-from': '*' })],
    problems: ['MisplacedAnnotation', 'NamespaceNotAllowed'],
  },
  {
    attack: 'where the Service lets in others',
    policy: { 'allow-from': 'shop, team-*, mall' },
    writes: [preview({ intercept: 'api.shop' })],
    problems: ['NamespaceNotAllowed'],
  },
  {
    attack: 'where what the Service says cannot be read',
    policy: { 'allow-from': 'Mallory!, shop' },
    writes: [preview({ intercept: 'api.shop' })],
    problems: ['InvalidValue', 'NamespaceNotAllowed'],
  },
  {
    attack: "by an ExternalName Service that is the other's name",
    writes: [
      service({}, { spec: { type: 'ExternalName', externalName: 'api.shop.svc.cluster.local', clusterIP: undefined } }),
      preview({ intercept: 'api', match: 'x-user=alice' }),
    ],
    problems: ['ExternalName'],
  },
  {
    attack: "by endpoints that are the other's pods",
    writes: [service({}), slice(VICTIM_POD, { ip: '10.0.0.1' }), preview({ intercept: 'api', match: 'x-user=alice' })],
    problems: [],
  },
  {
    attack: "by a preview Service whose endpoints are the other's pods",
    writes: [
      service({}),
      service({ intercept: 'api' }, { name: 'evil', key: 'pr-1' }),
      slice(VICTIM_POD, { name: 'evil', ip: '10.0.0.1' }),
    ],
    problems: ['NoEndpoints'],
  },
  {
    attack: 'with the key of a preview there, for a Service of its own of the same name',
    writes: [service({}), slice(undefined), preview({ intercept: 'api' }, { key: 'pr-1' })],
    problems: [],
  },
];

const HOSTS: readonly Row[] = [
  { attack: 'the host', writes: [service({ host: 'shop.example.com' })], problems: ['HostTaken'] },
  { attack: 'the host in odd case', writes: [service({ host: 'SHOP.Example.COM' })], problems: ['HostTaken'] },
  { attack: 'the host with a dot behind it', writes: [service({ host: 'shop.example.com.' })], problems: ['InvalidHost'] },
  { attack: 'the host with a port', writes: [service({ host: 'shop.example.com:8080' })], problems: ['InvalidHost'] },
  { attack: 'a wildcard', writes: [service({ host: '*.example.com, *' })], problems: ['InvalidHost'] },
  { attack: 'a path of the host', writes: [service({ host: 'shop.example.com/pay' })], problems: ['HostTaken'] },
  { attack: 'its preview URL', writes: [service({ host: 'pr-1--shop.example.com' })], problems: ['HostTaken'] },
  { attack: 'a preview URL that nobody has yet', writes: [service({ host: 'evil--shop.example.com' })], problems: ['HostTaken'] },
  { attack: 'a preview URL with a path', writes: [service({ host: 'pr-1--shop.example.com/pay' })], problems: ['HostTaken'] },
  {
    attack: 'the host, with a preview of its own Service',
    writes: [service({ host: 'shop.example.com' }), slice(undefined), preview({ intercept: 'api', match: 'x-user=alice' })],
    problems: ['HostTaken'],
  },
  {
    attack: "the address of another's preview",
    writes: [service({ host: 'pr-1--api--shop.preview.example.com' }), slice(undefined)],
    problems: ['NoPreviewUrl'],
  },
  {
    attack: 'an address of its own that reaches over',
    writes: [preview({ intercept: 'api.shop' }), service({}, { name: 'api--shop' })],
    problems: ['NamespaceNotAllowed'],
  },
  {
    attack: 'an address that can be read in two ways',
    writes: [
      // `pr-1--api--shop--x` is `api--shop` of `x`, or `api` of `shop--x`.
      service({}, { namespace: 'x', name: 'api--shop' }),
      preview({ intercept: 'api--shop' }, { namespace: 'x', key: 'pr-1' }),
    ],
    problems: ['NoEndpoints'],
  },
];

const GUEST: Annotations = { 'allow-from': 'shop, mallory' };
const guest = (annotations: Annotations, parts?: Parts): object => preview({ intercept: 'api.shop', ...annotations }, parts);

/** `mallory` is let in, and wants more than that. */
const LET_IN: readonly Row[] = [
  {
    attack: 'nothing more',
    policy: GUEST,
    writes: [guest({})],
    problems: [],
    gets: ['with the key evil', 'evil--shop', 'evil--api--shop'],
  },
  {
    attack: 'a rule',
    policy: GUEST,
    writes: [guest({ match: 'x-user=alice' })],
    problems: [],
    gets: ['with the key evil', 'evil--shop', 'evil--api--shop', 'with the user alice'],
  },
  { attack: 'an empty prefix', policy: GUEST, writes: [guest({ match: 'x-user^=' })], problems: ['InvalidRule'] },
  { attack: 'a quoted empty value', policy: GUEST, writes: [guest({ match: 'x-user*=""' })], problems: ['InvalidRule'] },
  { attack: 'any value', policy: GUEST, writes: [guest({ match: 'x-user~=".*"' })], problems: ['RuleTooBroad'] },
  { attack: 'who has no such header', policy: GUEST, writes: [guest({ match: '!x-nobody' })], problems: ['RuleTooBroad'] },
  {
    attack: 'a narrow alternative beside a broad one',
    policy: GUEST,
    writes: [guest({ match: 'x-user=nobody; !x-nobody' })],
    problems: ['RuleTooBroad'],
  },
  {
    attack: 'a header that proxies write',
    policy: GUEST,
    writes: [guest({ match: 'x-forwarded-proto=https' })],
    problems: ['RuleTooBroad'],
  },
  {
    attack: 'a piece of a header that all have',
    policy: GUEST,
    writes: [guest({ match: 'x-request-id*=-4' })],
    problems: ['RuleTooBroad'],
  },
  { attack: 'one letter', policy: GUEST, writes: [guest({ match: 'x-user*=e; baggage[user]*=o' })], problems: ['RuleTooBroad'] },
  {
    attack: 'a header of every browser',
    policy: GUEST,
    writes: [guest({ match: 'user-agent*=curl' })],
    problems: ['HeaderNotAllowed'],
  },
  {
    attack: 'cookies',
    policy: GUEST,
    writes: [guest({ match: 'cookie*=session, x-user=alice' })],
    problems: ['HeaderNotAllowed'],
  },
  { attack: 'the key of others', policy: GUEST, writes: [guest({ match: 'x-detour^=pr-' })], problems: ['InvalidRule'] },
  {
    attack: 'the key of others in baggage',
    policy: GUEST,
    writes: [guest({ match: 'baggage[detour]^=pr-' })],
    problems: ['InvalidRule'],
  },
  { attack: 'the whole of baggage', policy: GUEST, writes: [guest({ match: 'baggage*=user' })], problems: ['InvalidRule'] },
  {
    attack: "Detour's own headers",
    policy: GUEST,
    writes: [guest({ match: 'x-detour-decided^=shop' })],
    problems: ['InvalidRule'],
  },
  { attack: 'every host', policy: GUEST, writes: [guest({ match: 'host*=example' })], problems: ['InvalidRule'] },
  {
    attack: 'a rule where only keys are allowed',
    policy: { ...GUEST, 'allow-match': 'none' },
    writes: [guest({ match: 'x-user=alice' })],
    problems: ['HeaderNotAllowed'],
  },
  {
    attack: 'a copy where none is allowed',
    policy: { ...GUEST, 'allow-modes': 'route' },
    writes: [guest({ mode: 'mirror' })],
    problems: ['ModeNotAllowed'],
  },
  {
    attack: 'a share where none is allowed',
    policy: { ...GUEST, 'allow-modes': 'route' },
    writes: [guest({ percent: '99' })],
    problems: ['ModeNotAllowed'],
  },
  {
    attack: 'a copy of all requests',
    policy: GUEST,
    writes: [guest({ mode: 'mirror', match: '!x-nobody' })],
    problems: ['RuleTooBroad'],
  },
  {
    attack: 'a share of all requests',
    policy: GUEST,
    writes: [guest({ percent: '1', match: 'x-forwarded-proto^=http' })],
    problems: ['RuleTooBroad'],
  },
  {
    attack: 'the key of a preview that is there already, with a name before its own',
    policy: GUEST,
    writes: [guest({}, { key: 'pr-1', name: 'aaa' })],
    problems: ['DuplicateKey', 'Shadows'],
  },
  { attack: 'after the end', policy: GUEST, writes: [guest({ expires: '2029-12-31T23:59:59Z' })], problems: ['Expired'] },
];

const COST: readonly Row[] = [
  {
    attack: 'one large expression',
    policy: GUEST,
    writes: [guest({ match: 'x-user=alice, x-a~="[a-z]{1000}"' })],
    problems: ['RegexTooCostly'],
  },
  {
    attack: 'one that is nested',
    policy: GUEST,
    writes: [guest({ match: 'x-user=alice, x-a~="(((a{9}){9}){9}){9}"' })],
    problems: ['RegexTooCostly'],
  },
  {
    attack: 'several that pass alone',
    policy: GUEST,
    writes: [guest({ match: manyRegexes('[a-z]{100}', 6) })],
    problems: ['RegexTooCostly'],
  },
  {
    attack: 'more alternatives than anybody reads',
    policy: GUEST,
    writes: [guest({ match: manyRegexes('a', 40) })],
    problems: ['AnnotationTooLarge'],
  },
  {
    attack: 'many previews with all that one may have',
    policy: GUEST,
    writes: Array.from({ length: 40 }, (_, place) =>
      guest({ match: manyRegexes('[a-z]{100}', 4) }, { key: `evil-${place}`, name: `evil-${place}`, ip: `10.6.6.${place}` }),
    ),
    problems: ['RegexTooCostly', 'Shadowed', 'Shadows'],
  },
];

describe.each([
  ['another namespace is reached', OTHER_NAMESPACE],
  ['hosts are taken', HOSTS],
  ['a guest wants more', LET_IN],
  ['expressions cost too much', COST],
])('where %s', (_, rows) => {
  it.each(rows)('$attack', ({ policy = {}, writes, problems, gets = [] }) => {
    const { model, problems: told } = world([...shop(policy), ...writes]);
    expect(told).toEqual(problems);
    const got = taken(model, 'mallory');
    expect(got.filter((line) => !gets.some((part) => line.includes(part)))).toEqual([]);
    // And those that it may have, it has: else this would prove nothing.
    for (const part of gets) expect(got.join('\n')).toContain(part);
    // Whose preview it is has it all the time.
    expect(taken(model, 'shop').filter((line) => line.includes('gateway pr-1--'))).not.toEqual([]);
  });
});

describe('a budget for the expressions of a port', () => {
  it('is for the cheapest first: who writes costly ones takes nothing from others', () => {
    const costly = Array.from({ length: 60 }, (_, place) =>
      guest({ match: manyRegexes('[a-z]{100}', 4) }, { key: `evil-${place}`, name: `a-${place}`, ip: `10.6.6.${place}` }),
    );
    const mine = preview(
      { intercept: 'api', match: 'x-user=bob, x-b~="b+"' },
      { namespace: 'shop', name: 'zzz', key: 'mine', ip: '10.0.1.9' },
    );
    const { model } = world([...shop(GUEST), ...costly, mine]);
    const intercepts = model.services.get('shop/api')?.intercepts ?? [];
    expect(intercepts.find(({ key }) => key === 'mine')?.state).toBe('active');
    const refused = intercepts.filter(({ state }) => state === 'invalid');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeLessThan(60);
    expect(refused[0]?.problems[0]?.message).toContain(`${PORT_PROGRAM_SIZE}`);
  });
});

describe('Services that share a port of a pod', () => {
  const open = service({ 'allow-from': 'shop, mallory' }, { namespace: 'shop', name: 'open', created: OLD });
  const same = slice(VICTIM_POD, { namespace: 'shop', name: 'open', ip: '10.0.0.1' });
  const { model } = world([...shop({}), open, same, preview({ intercept: 'open.shop', match: 'x-user=alice' })]);

  it('let in whom each lets in, under its own names', () => {
    const at = (host: string, name: string, value: string): string => {
      const asked: ExplainedRequest = {
        ...{ listener: { kind: 'inbound', port: PORT.listen.port }, method: 'GET', path: '/' },
        headers: [
          ['host', host],
          [name, value],
        ],
      };
      const explanation = explain(model, scopeOf(AT_API, model), asked, { carriers: DEFAULT_CARRIERS });
      return 'error' in explanation ? explanation.error : explanation.outcome.kind;
    };
    for (const [name, value] of [
      ['x-detour', 'evil'],
      ['x-user', 'alice'],
    ] as const) {
      expect(at('open', name, value)).toBe('preview');
      expect(at('api', name, value)).toBe('app');
      // For either of them, as far as anybody can tell.
      for (const host of ['shop.example.com', '10.0.0.1:8080']) expect(at(host, name, value)).toBe('app');
    }
    expect(at('shop.example.com', 'x-detour', 'pr-1')).toBe('preview');
  });

  it('and nobody else gets anything', () => {
    expect(taken(model, 'mallory')).toEqual([]);
  });
});

describe('what a sidecar says of itself', () => {
  it('shows it what is served, and makes nothing be served: --services', () => {
    const { model } = world([...shop({}), preview({ intercept: 'api.shop' })]);
    const scope = scopeOf({ ...SIDECAR, inbound: [], namespace: 'mallory', name: 'evil', services: ['shop/api'] }, model);
    const asked: ExplainedRequest = {
      listener: { kind: 'outbound' },
      method: 'GET',
      path: '/',
      headers: [
        ['host', 'api.shop'],
        ['x-detour', 'evil'],
      ],
    };
    const explanation = explain(model, scope, asked, { carriers: DEFAULT_CARRIERS });
    expect(explanation).toMatchObject({ target: 'shop/api:80', outcome: { kind: 'baseline' } });
  });

  it('makes no Service its own: a preview that nobody lets in is no part of its pod', () => {
    const { model } = world([...shop({}), preview({ intercept: 'api.shop=15080' })]);
    expect(scopeOf({ ...SIDECAR, namespace: 'mallory', name: 'evil' }, model)).toMatchObject({
      previews: [],
      inbound: [{ services: [] }],
    });
  });
});
