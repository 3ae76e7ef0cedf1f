/** Whatever is written, in whatever namespace: requests for a Service go to nobody's copy that its policy does not let in. */
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { explain } from '../../src/explain/explain.ts';
import type { ExplainedRequest } from '../../src/explain/explanation.ts';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import { DEFAULT_CARRIERS } from '../../src/model/carriers.ts';
import type { Service } from '../../src/model/cluster-state.ts';
import { type InterceptId, previewOfIntercept } from '../../src/model/names.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import { scopeOf } from '../../src/translate/scope.ts';
import { type ClusterObject, puts } from '../support/builders.ts';
import { arbitraryCase, type Entrance, type GeneratedRequest } from './arbitrary-request.ts';
import {
  BASELINE_POD,
  CORS_ORIGIN,
  GATEWAY_NAMESPACE,
  objectsOf,
  PREVIEW_DOMAIN,
  PREVIEW_POD,
  type World,
} from './arbitrary-world.ts';

const PORTS = { http: 8080, admin: 8081 };
const NOW = Date.parse('2030-01-01T00:00:00Z');

/** What a Service says, and who that is: read here by hand, not by the code under test. */
const POLICIES: readonly { readonly says: string | undefined; readonly lets: (guest: string, own: string) => boolean }[] = [
  { says: undefined, lets: (guest, own) => guest === own },
  { says: '*', lets: () => true },
  { says: 'none', lets: () => false },
  { says: 'pay', lets: (guest) => guest === 'pay' },
  { says: 'sh*, other', lets: (guest) => guest === 'shop' },
  { says: 'none, pay', lets: () => false },
  { says: 'Pay;', lets: () => false },
];

const modes = fc.constantFrom(undefined, 'route', 'mirror, regex', 'route, mirror, percent, regex');
const matches = fc.constantFrom(undefined, '*', 'none', 'x-user', 'baggage[*]');

const listen = { host: '0.0.0.0', port: 15_080 };
const inbound = [{ listen, app: { host: '127.0.0.1', port: PORTS.http } }];
const outbound = { host: '127.0.0.1', port: 15_001 };
const sidecar = (pod: string): Proxy => {
  const [namespace = '', name = ''] = pod.split('/');
  return { role: 'sidecar', namespace, name, inbound, outbound, services: ['pay/api', 'pay/a'] };
};
const gateway: Proxy = {
  role: 'gateway',
  ...{ namespace: GATEWAY_NAMESPACE, name: 'gateway', listen: { host: '0.0.0.0', port: 8080 } },
  ...{ previewDomain: PREVIEW_DOMAIN, corsOrigins: [CORS_ORIGIN] },
};

function doorOf(entrance: Entrance): Proxy {
  if (entrance === 'gateway') return gateway;
  return sidecar(entrance.startsWith('own') ? PREVIEW_POD : BASELINE_POD);
}

function listenerOf(entrance: Entrance): Pick<ExplainedRequest, 'listener'> {
  if (entrance === 'gateway') return {};
  return { listener: entrance.endsWith('inbound') ? { kind: 'inbound', port: listen.port } : { kind: 'outbound' } };
}

interface Policy {
  /** Index of {@link POLICIES}. */
  readonly from: number;
  readonly modes: string | undefined;
  readonly matches: string | undefined;
}

interface Verdict {
  /** Preview and Service of each request, or copy of one, that went to a preview. */
  readonly taken: readonly (readonly [id: InterceptId, target: string])[];
  readonly refused: number;
}

/** @param chosen the policies of the world's Services, in their order. @throws Error where somebody gets what he may not. */
function judge(world: World, requests: readonly GeneratedRequest[], chosen: readonly Policy[]): Verdict {
  const said = new Map<string, number>();
  const objects = objectsOf(world, PORTS).map((object): ClusterObject => {
    if (!isBaseline(object)) return object;
    const policy = chosen[said.size % chosen.length] ?? { from: 0, modes: undefined, matches: undefined };
    said.set(`${object.namespace}/${object.name}`, policy.from);
    const { 'allow-from': _, 'allow-match': __, ...others } = object.annotations;
    const says = POLICIES[policy.from]?.says;
    const annotations = {
      ...others,
      ...(says !== undefined && { 'allow-from': says }),
      ...(policy.modes !== undefined && { 'allow-modes': policy.modes }),
      ...(policy.matches !== undefined && { 'allow-match': policy.matches }),
    };
    return { ...object, annotations };
  });
  const engine = new InterceptEngine();
  engine.apply(puts(...objects), NOW);
  const isLetIn = (id: InterceptId, target: string): boolean => {
    const service = target.slice(0, target.lastIndexOf(':'));
    return POLICIES[said.get(service) ?? -1]?.lets(previewOfIntercept(id).namespace, namespaceOf(service)) ?? false;
  };
  const taken = requests.flatMap((request) => {
    const scope = scopeOf(doorOf(request.entrance), engine.model);
    const asked = { ...request, ...listenerOf(request.entrance) };
    const explanation = explain(engine.model, scope, asked, { carriers: DEFAULT_CARRIERS });
    if ('error' in explanation) throw new Error(explanation.error);
    const { outcome, mirror, target } = explanation;
    const ids = [...('intercept' in outcome ? [outcome.intercept] : []), ...(mirror === undefined ? [] : [mirror.intercept])];
    return ids.map((id) => {
      if (target === undefined) throw new Error(`${id} is for no Service`);
      if (!id.endsWith(`/${target}`)) throw new Error(`${id} gets requests for ${target}`);
      if (!isLetIn(id, target)) throw new Error(`${id} is not let in by ${target}: ${JSON.stringify(request)}`);
      return [id, target] as const;
    });
  });
  return { taken, refused: [...engine.problems()].filter(({ code }) => code === 'NamespaceNotAllowed').length };
}

const OWN_SERVICES = [
  { which: 0, hosts: ['shop.example.com'], namespace: 'shop' },
  { which: 3, hosts: ['pay.example.com'], namespace: 'pay' },
] as const;
const GUESTS = [
  { key: 'pr-1', namespace: 'shop', mirror: false },
  { key: 'pr-2', namespace: 'pay', mirror: false },
  { key: 'pr-12', namespace: 'shop', mirror: true },
  { key: 'a', namespace: 'pay', mirror: true },
] as const;

/** Two Services, and previews of both namespaces that want both of them, to be there and to be copied to. */
const EVERYBODY: World = {
  services: OWN_SERVICES.map(({ which, hosts }) => {
    return { which, hosts, admin: false, pods: 1, baselinePod: false, previewPod: false, adminAtSamePort: false };
  }),
  previews: GUESTS.map((guest) => {
    const usual = { rule: null, ready: true, fail: false, expired: false, own: false };
    return { ...guest, ...usual, intercept: 'api.shop, api.pay' };
  }),
};

/** Four ways for each preview to each Service. */
const ALL_WAYS: readonly GeneratedRequest[] = GUESTS.flatMap(({ key }) =>
  OWN_SERVICES.flatMap(({ hosts: [host], namespace }): readonly GeneratedRequest[] => {
    const get = { method: 'GET', path: '/' } as const;
    return [
      { ...get, entrance: 'gateway', headers: [['host', `${key}--${host}`]] },
      {
        ...get,
        entrance: 'gateway',
        headers: [
          ['host', host],
          ['baggage', `a=b,detour=${key}`],
        ],
      },
      {
        ...get,
        entrance: 'outbound',
        headers: [
          ['host', `api.${namespace}`],
          ['x-detour', key],
        ],
      },
      {
        ...get,
        entrance: 'own-outbound',
        headers: [
          ['host', `api.${namespace}`],
          ['tracestate', `detour=${key}`],
        ],
      },
    ];
  }),
);

test.each(POLICIES.map((policy, from) => ({ ...policy, from })))(
  'allow-from $says lets in whom it names, by every way, and nobody else',
  ({ from, lets }) => {
    const { taken, refused } = judge(EVERYBODY, ALL_WAYS, [{ from, modes: undefined, matches: undefined }]);
    const pairs = GUESTS.flatMap((guest) => OWN_SERVICES.map((service) => [guest.namespace, service.namespace] as const));
    const letIn = pairs.filter(([guest, own]) => lets(guest, own));
    const went = taken.map(([id, target]) => `${previewOfIntercept(id).namespace} ${namespaceOf(target)}`);
    expect(went.toSorted()).toEqual(letIn.flatMap((pair) => Array.from({ length: 4 }, () => pair.join(' '))).toSorted());
    expect(refused).toBe(pairs.length - letIn.length);
  },
);

test('no request for a Service goes, or is copied, to a namespace that it does not let in', () => {
  let routed = 0;
  let refused = 0;
  const policies = fc.array(fc.record({ from: fc.nat(POLICIES.length - 1), modes, matches }), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(arbitraryCase, policies, ({ world, requests }, chosen) => {
      const verdict = judge(world, [...requests, ...direct(world)], chosen);
      routed += verdict.taken.length;
      refused += verdict.refused;
    }),
    { numRuns: 500 },
  );
  // Agreement on nothing but baselines would prove little: there is about seven times as much of both. What guests get is above.
  expect(routed).toBeGreaterThan(200);
  expect(refused).toBeGreaterThan(200);
}, 120_000);

/** Every preview of a world is asked for at every host of it. */
function direct({ services, previews }: World): readonly GeneratedRequest[] {
  const hosts = services.flatMap((service) => service.hosts.map((host) => host.split('/')[0] ?? host));
  return previews.flatMap(({ key }) =>
    hosts.map((host): GeneratedRequest => {
      const headers = [['host', host] as const, ['x-detour', key] as const];
      return { entrance: 'gateway', method: 'GET', path: '/', headers };
    }),
  );
}

/** Of a Service, or a port of one. */
function namespaceOf(service: string): string {
  return service.slice(0, service.indexOf('/'));
}

function isBaseline(object: ClusterObject): object is Service {
  return 'clusterIPs' in object && object.previewLabel === '';
}
