/**
 * A pod joins and leaves its Service, which comes, goes and changes what it speaks, and so does a preview of it; control
 * planes come and go; the sidecar takes its time. Its listeners never go by routes to a cluster that it has not (R6, O3).
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { InterceptModel } from '../../src/model/intercept.ts';
import type { Proxy } from '../../src/model/proxy.ts';
import { aModel, aServiceModel } from '../support/models.ts';
import { DrainingEnvoy } from '../support/xds/draining-envoy.ts';
import { CAPTURED, controlPlane, EXPLICIT } from '../support/xds/draining-sidecars.ts';

const SIDECARS: Readonly<Record<string, { readonly proxy: Proxy; readonly routes: readonly string[] }>> = {
  captured: { proxy: CAPTURED, routes: ['inbound/0.0.0.0:8080', 'outbound/80'] },
  explicit: { proxy: EXPLICIT, routes: ['inbound/10.0.0.1:8080', 'outbound'] },
};

interface State {
  readonly service: boolean;
  readonly member: boolean;
  readonly opaque: boolean;
  /** Keys of previews. */
  readonly keys: readonly string[];
}

interface Step extends State {
  /** Another control plane comes with it. */
  readonly restart: boolean;
  /** So many responses the sidecar takes before the next step. */
  readonly takes: number;
}

function modelOf({ service, member, opaque, keys }: State): InterceptModel {
  const intercepts = keys.map((key) => ({ key }));
  const api = aServiceModel({ ports: [opaque ? { protocol: 'opaque' } : { intercepts }] });
  const ports = [{ port: 8080, service: api.key, servicePort: 80 }];
  const pods = member && service ? { 'shop/api-0': { ports, previews: [], inBaselineOf: [] } } : {};
  return aModel({ services: service ? [api] : [], pods });
}

const mostly = fc.integer({ min: 0, max: 3 }).map((number) => number > 0);
const aStep: fc.Arbitrary<Step> = fc.record({
  service: mostly,
  member: mostly,
  opaque: mostly.map((value) => !value),
  keys: fc.subarray(['pr-1', 'pr-2']),
  restart: mostly.map((value) => !value),
  takes: fc.integer({ min: 0, max: 6 }),
});

test.each([
  // A State-of-the-World client that comes back cannot say what it has (docs/xds-conformance.md).
  ['delta', 'captured', true],
  ['delta', 'explicit', true],
  ['sotw', 'captured', false],
  ['sotw', 'explicit', false],
] as const)(
  'by %s, %s: what drains names no cluster that is gone',
  (protocol, kind, mayRestart) => {
    fc.assert(
      fc.property(fc.array(aStep, { minLength: 1, maxLength: 12 }), (steps) => {
        const { proxy, routes } = SIDECARS[kind] ?? { routes: [] };
        if (proxy === undefined) return;
        let views = controlPlane(modelOf({ service: true, member: true, opaque: false, keys: ['pr-1'] }));
        const envoy = new DrainingEnvoy(protocol, proxy, routes);
        envoy.connect(views);
        for (const { restart, takes, ...state } of steps) {
          const model = modelOf(state);
          if (restart && mayRestart) {
            views = controlPlane(model);
            envoy.connect(views, takes);
          } else {
            views.publish(model, undefined);
            envoy.settle(takes);
          }
          expect(envoy.faults).toEqual([]);
        }
        envoy.settle();
        expect(envoy.faults).toEqual([]);
        // What nothing is routed to is not kept.
        const used = new Set(routes.flatMap((name) => envoy.clustersOf(name) ?? []));
        const left = [...envoy.has.cluster.keys()].filter((name) => name.includes('/pr-') && !used.has(name));
        expect(left).toEqual([]);
      }),
      { numRuns: 100 },
    );
  },
  120_000,
);
