/** Small clusters full of previews: few keys, names and values, so that everything meets. */
import * as fc from 'fast-check';
import { formatRule } from '../../src/annotations/header-rule.ts';
import type { Endpoint, EndpointSlice, Pod, Service } from '../../src/model/cluster-state.ts';
import type { ObjectKey } from '../../src/model/names.ts';
import type { Operator, Predicate, Rule } from '../../src/model/rule.ts';
import { anEndpoint, aPod, aPort, aService, aSlice, type ClusterObject } from '../support/builders.ts';

/** The pods that have sidecars. */
export const BASELINE_POD: ObjectKey = 'shop/api-0';
export const PREVIEW_POD: ObjectKey = 'shop/own';
export const GATEWAY_NAMESPACE = 'shop';
export const PREVIEW_DOMAIN = 'preview.example.com';
export const CORS_ORIGIN = 'https://app.example.com';

export const KEYS = ['pr-1', 'pr-12', 'pr-2', 'a', 'own', `${'k'.repeat(62)}9`];
export const HEADERS = ['x-user', 'x-team', 'cookie', 'x_odd'];
export const MEMBERS = ['user', 'team', 'a-b_c'];
export const VALUES = ['alice', 'al', 'lic', 'ce', 'bob', 'a b', 'a,b', 'a;b', '50%', 'ü', 'Jürgen', '"q\\"', '='];
/** With a value that each matches. */
export const PATTERNS: Readonly<Record<string, string>> = {
  'al.*': 'alx',
  '[a-c]+': 'abc',
  '.': 'z',
  '..': 'ü',
  '(?i)ALICE': 'aLice',
  'a{1,2}lice|bob': 'aalice',
  '\\w+': 'w_1',
  '.*\\xC3\\xBC.*': 'xüx',
  'a[ ,;]b': 'a;b',
  '[^a]*': 'bcd',
};

const SERVICES: readonly (readonly [namespace: string, name: string])[] = [
  ['shop', 'api'],
  ['shop', 'id'],
  ['shop', 'a--pay'],
  ['pay', 'api'],
  ['pay', 'a'],
];
const HOSTS = [
  'shop.example.com',
  'shop.example.com/a',
  'shop.example.com/a/b',
  'www.example.com/only',
  'two.com',
  'pr-1--odd.example.com',
  'x--y.example.com',
  'api.preview.example.com',
  'pr-1--api.preview.example.com',
  '10.1.2.3',
];

const OPERATORS: readonly Operator[] = ['exact', 'exact', 'prefix', 'suffix', 'contains', 'regex', 'present', 'absent'];

const subject: fc.Arbitrary<Predicate['subject']> = fc.oneof(
  fc.constantFrom(...HEADERS).map((name) => ({ kind: 'header', name }) as const),
  fc.constantFrom(...MEMBERS).map((name) => ({ kind: 'baggage', name }) as const),
);

const predicate: fc.Arbitrary<Predicate> = fc
  .record({
    subject,
    operator: fc.constantFrom(...OPERATORS),
    value: fc.constantFrom(...VALUES),
    pattern: fc.constantFrom(...Object.keys(PATTERNS)),
  })
  .map(({ subject, operator, value, pattern }) => {
    if (operator === 'present' || operator === 'absent') return { subject, operator, value: '' };
    return { subject, operator, value: operator === 'regex' ? pattern : value };
  });

const rule: fc.Arbitrary<Rule> = fc
  .array(fc.uniqueArray(predicate, { minLength: 1, maxLength: 3, selector: (each) => JSON.stringify(each) }), {
    minLength: 1,
    maxLength: 3,
  })
  .map((alternatives) => ({ alternatives }));

export interface World {
  readonly services: readonly ServiceChoice[];
  readonly previews: readonly PreviewChoice[];
}

interface ServiceChoice {
  readonly which: number;
  readonly hosts: readonly string[];
  readonly admin: boolean;
  readonly pods: number;
  /** Whether the pods with sidecars are among its endpoints. */
  readonly baselinePod: boolean;
  readonly previewPod: boolean;
  readonly adminAtSamePort: boolean;
}

interface PreviewChoice {
  readonly key: string;
  readonly namespace: string;
  readonly intercept: string;
  readonly rule: Rule | null;
  readonly ready: boolean;
  readonly mirror: boolean;
  readonly fail: boolean;
  readonly expired: boolean;
  /** It is the pod with a sidecar; the first that says so. */
  readonly own: boolean;
}

const INTERCEPTS = [
  'api',
  'api',
  'api.shop',
  'id',
  'api, id',
  'api.pay',
  'a--pay.shop, a.pay',
  'api:http',
  'api:81',
  'id, api.pay',
];

function service(which: fc.Arbitrary<number>): fc.Arbitrary<ServiceChoice> {
  return fc.record({
    which,
    hosts: fc.uniqueArray(fc.constantFrom(...HOSTS), { minLength: 1, maxLength: 4 }),
    admin: fc.boolean(),
    pods: fc.constantFrom(1, 2, 1, 0),
    baselinePod: fc.boolean(),
    previewPod: fc.boolean(),
    adminAtSamePort: fc.boolean(),
  });
}

/** `shop/api` is always there. */
const services: fc.Arbitrary<readonly ServiceChoice[]> = fc
  .tuple(
    service(fc.constant(0)),
    fc.uniqueArray(service(fc.integer({ min: 1, max: SERVICES.length - 1 })), { maxLength: 4, selector: (each) => each.which }),
  )
  .map(([api, others]) => [{ ...api, hosts: [...new Set(['shop.example.com', ...api.hosts])] }, ...others]);

export const arbitraryWorld: fc.Arbitrary<World> = fc.record({
  services,
  previews: fc.array(
    fc.record({
      key: fc.constantFrom(...KEYS),
      namespace: fc.constantFrom('shop', 'shop', 'pay'),
      intercept: fc.constantFrom(...INTERCEPTS),
      rule: fc.option(rule, { freq: 3 }),
      ready: fc.nat(4).map((number) => number > 0),
      mirror: fc.nat(4).map((number) => number === 0),
      fail: fc.nat(4).map((number) => number === 0),
      expired: fc.nat(9).map((number) => number === 0),
      own: fc.boolean(),
    }),
    { minLength: 2, maxLength: 8 },
  ),
});

/** Where the applications listen, at every loopback address: the port of the first one, and of `admin`. */
export interface AppPorts {
  readonly http: number;
  readonly admin: number;
}

/** Of all pods that a world may have. */
export const POD_ADDRESSES: readonly string[] = [
  ...SERVICES.flatMap((_, service) => [`127.1.${service + 1}.1`, `127.1.${service + 1}.2`]),
  ...['127.1.0.1', '127.2.0.1'],
  ...Array.from({ length: 8 }, (_, index) => `127.2.1.${index + 1}`),
];

export function objectsOf({ services, previews }: World, ports: AppPorts): readonly ClusterObject[] {
  const own = previews.findIndex((preview) => preview.own && preview.namespace === 'shop');
  return [
    ...services.flatMap((choice, index) => serviceObjects(choice, index, ports, own >= 0)),
    ...previews.map((choice, index) => previewPod(choice, index, index === own)),
  ];
}

function serviceObjects(
  choice: ServiceChoice,
  index: number,
  ports: AppPorts,
  own: boolean,
): readonly (Service | EndpointSlice)[] {
  const [namespace, name] = SERVICES[choice.which] ?? ['shop', 'api'];
  const adminPort = choice.adminAtSamePort ? ports.http : ports.admin;
  const endpoints: Endpoint[] = Array.from({ length: choice.pods }, (_, pod) =>
    anEndpoint({ addresses: [`127.1.${choice.which + 1}.${pod + 1}`], pod: `${namespace}/${name}-x${pod}` }),
  );
  if (choice.baselinePod) endpoints.push(anEndpoint({ addresses: ['127.1.0.1'], pod: BASELINE_POD }));
  if (choice.previewPod && own) endpoints.push(anEndpoint({ addresses: ['127.2.0.1'], pod: PREVIEW_POD }));
  return [
    aService({
      namespace,
      name,
      createdAt: index,
      clusterIPs: [`10.96.0.${choice.which + 1}`, `fd00::${choice.which + 1}`],
      annotations: {
        'allow-match': '*',
        'allow-from': '*',
        ...(choice.hosts.length > 0 && { host: choice.hosts.join(', ') }),
      },
      ports: [
        aPort({ targetPort: ports.http }),
        ...(choice.admin ? [aPort({ name: 'http-admin', port: 81, targetPort: adminPort })] : []),
      ],
    }),
    aSlice({
      service: `${namespace}/${name}`,
      ports: [
        { name: 'http', port: ports.http },
        { name: 'http-admin', port: adminPort },
      ],
      endpoints,
    }),
  ];
}

/** Long past, and far away. */
const EXPIRED = '2001-01-01T00:00:00Z';

function previewPod(choice: PreviewChoice, index: number, own: boolean): Pod {
  const name = own ? 'own' : `preview-${index}`;
  return aPod({
    namespace: choice.namespace,
    name,
    createdAt: index,
    previewLabel: choice.key,
    annotations: {
      intercept: choice.intercept,
      ...(choice.rule !== null && { match: formatRule(choice.rule) }),
      ...(choice.mirror && { mode: 'mirror' }),
      ...(choice.fail && { 'when-unavailable': 'fail' }),
      ...(choice.expired && { expires: EXPIRED }),
    },
    controller: { kind: 'Deployment', name },
    ips: [own ? '127.2.0.1' : `127.2.1.${index + 1}`],
    ready: choice.ready,
  });
}
