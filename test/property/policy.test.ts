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
import { arbitraryCase, type Entrance } from './arbitrary-request.ts';
import { BASELINE_POD, CORS_ORIGIN, GATEWAY_NAMESPACE, objectsOf, PREVIEW_DOMAIN, PREVIEW_POD } from './arbitrary-world.ts';

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

test('no request for a Service goes, or is copied, to a namespace that it does not let in', () => {
  let routed = 0;
  let foreign = 0;
  let refused = 0;
  const policies = fc.array(fc.record({ from: fc.nat(POLICIES.length - 1), modes, matches }), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(arbitraryCase, policies, ({ world, requests }, chosen) => {
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
      refused += [...engine.problems()].filter(({ code }) => code === 'NamespaceNotAllowed').length;
      const isLetIn = (id: InterceptId, target: string): boolean => {
        const service = target.slice(0, target.lastIndexOf(':'));
        const [namespace = ''] = service.split('/');
        return POLICIES[said.get(service) ?? -1]?.lets(previewOfIntercept(id).namespace, namespace) ?? false;
      };
      for (const request of requests) {
        const scope = scopeOf(doorOf(request.entrance), engine.model);
        const asked = { ...request, ...listenerOf(request.entrance) };
        const explanation = explain(engine.model, scope, asked, { carriers: DEFAULT_CARRIERS });
        if ('error' in explanation) throw new Error(explanation.error);
        const { outcome, mirror, target } = explanation;
        const ids = [...('intercept' in outcome ? [outcome.intercept] : []), ...(mirror === undefined ? [] : [mirror.intercept])];
        for (const id of ids) {
          routed += 1;
          if (target === undefined) throw new Error(`${id} is for no Service`);
          if (!target.startsWith(`${previewOfIntercept(id).namespace}/`)) foreign += 1;
          if (!id.endsWith(`/${target}`)) throw new Error(`${id} gets requests for ${target}`);
          if (!isLetIn(id, target)) throw new Error(`${id} is not let in by ${target}: ${JSON.stringify(request)}`);
        }
      }
    }),
    { numRuns: 500 },
  );
  // Agreement on nothing but baselines would prove little.
  expect(routed).toBeGreaterThan(40);
  expect(foreign).toBeGreaterThan(1);
  expect(refused).toBeGreaterThan(10);
}, 120_000);

function isBaseline(object: ClusterObject): object is Service {
  return 'clusterIPs' in object && object.previewLabel === '';
}
