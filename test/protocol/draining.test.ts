/**
 * A listener whose port is no Service's any more drains, for ten minutes: its connections go on, by the routes that Envoy
 * has, though they are said to be gone. None of them may name a cluster that is gone by then: that is a 503 (NC).
 */
import { describe, expect, test } from 'vitest';
import type { Views } from '../../src/xds/views.ts';
import { aChange, aModel, aServiceModel } from '../support/models.ts';
import { DrainingEnvoy } from '../support/xds/draining-envoy.ts';
import { CAPTURED, controlPlane, EXPLICIT } from '../support/xds/draining-sidecars.ts';

const api = aServiceModel({ ports: [{ intercepts: [{}] }] });
const ports = [{ port: 8080, service: api.key, servicePort: 80 }];
const POD_OF_API = { 'shop/api-0': { ports, previews: [], inBaselineOf: [] } };
const SERVED = aModel({ services: [api], pods: POD_OF_API });
const WITHOUT_POD = aModel({ services: [api] });
const OPAQUE = aModel({ services: [aServiceModel({ ports: [{ protocol: 'opaque' }] })], pods: POD_OF_API });
const WITHOUT_SERVICE = aModel({ services: [] });
const EVERYTHING = aChange({ services: [api.key], pods: ['shop/api-0'], keys: ['pr-42'] });

describe.each(['delta', 'sotw'] as const)(
  'R6, by %s: requests on kept connections go on to where they were going',
  (protocol) => {
    describe.each([
      {
        who: 'captured',
        proxy: CAPTURED,
        inbound: { name: 'inbound/0.0.0.0:8080', app: 'original-destination', preview: 'api.shop:80/pr-42@192.0.2.1:8080' },
        outbound: { name: 'outbound/80', left: ['original-destination'] },
      },
      {
        who: 'explicit ports',
        proxy: EXPLICIT,
        inbound: { name: 'inbound/10.0.0.1:8080', app: 'app/127.0.0.1:8080', preview: 'api.shop:80/pr-42@127.0.0.1:8080' },
        outbound: { name: 'outbound', left: [] },
      },
    ])('$who', ({ proxy, inbound, outbound }) => {
      const start = (): { readonly envoy: DrainingEnvoy; readonly views: Views } => {
        const views = controlPlane(SERVED);
        const envoy = new DrainingEnvoy(protocol, proxy, [inbound.name, outbound.name]);
        envoy.connect(views);
        expect(envoy.clustersOf(inbound.name)).toEqual(expect.arrayContaining([inbound.preview]));
        expect([...envoy.has.cluster.keys()]).toContain('api.shop:80/pr-42');
        return { envoy, views };
      };
      const expectLeft = (envoy: DrainingEnvoy): void => {
        expect(envoy.faults).toEqual([]);
        expect(envoy.clustersOf(inbound.name)).toEqual([inbound.app]);
        expect([...envoy.has.cluster.keys()]).not.toContain(inbound.preview);
      };

      test('when the pod leaves its Service', () => {
        const { envoy, views } = start();
        views.publish(WITHOUT_POD, EVERYTHING);
        envoy.settle();
        expectLeft(envoy);
      });

      test('when the Service goes', () => {
        const { envoy, views } = start();
        views.publish(WITHOUT_SERVICE, EVERYTHING);
        envoy.settle();
        expectLeft(envoy);
        expect(envoy.clustersOf(outbound.name)).toEqual(outbound.left);
        expect([...envoy.has.cluster.keys()]).toEqual([inbound.app]);
      });

      test('when what the port speaks is not HTTP any more', () => {
        const { envoy, views } = start();
        views.publish(OPAQUE, aChange({ services: [api.key], keys: ['pr-42'] }));
        envoy.settle();
        expectLeft(envoy);
      });

      test.each([
        ['the pod left its Service', WITHOUT_POD],
        ['the Service went', WITHOUT_SERVICE],
        ['its port became one that is not HTTP', OPAQUE],
      ])('when %s while no control plane was there', (_, model) => {
        const { envoy } = start();
        envoy.connect(controlPlane(model));
        if (protocol === 'sotw') {
          // Who comes back cannot say what it has: docs/xds-conformance.md.
          expect(envoy.clustersOf(inbound.name)).toEqual([inbound.app]);
        } else expectLeft(envoy);
      });

      test('and when the pod comes back, they are routed again', () => {
        const { envoy, views } = start();
        const before = envoy.clustersOf(inbound.name);
        views.publish(WITHOUT_POD, EVERYTHING);
        envoy.settle();
        views.publish(SERVED, EVERYTHING);
        envoy.settle();
        expect(envoy.faults).toEqual([]);
        expect(envoy.clustersOf(inbound.name)).toEqual(before);
        envoy.connect(controlPlane(WITHOUT_POD));
        envoy.connect(controlPlane(SERVED));
        expect(envoy.clustersOf(inbound.name)).toEqual(before);
      });
    });

    test('of a captured caller, when the Service goes that it calls', () => {
      const views = controlPlane(SERVED);
      const envoy = new DrainingEnvoy(protocol, { ...CAPTURED, name: 'frontend-0' }, ['outbound/80']);
      envoy.connect(views);
      expect(envoy.clustersOf('outbound/80')).toContain('api.shop:80/pr-42');
      views.publish(WITHOUT_SERVICE, EVERYTHING);
      envoy.settle();
      expect(envoy.faults).toEqual([]);
      expect(envoy.clustersOf('outbound/80')).toEqual(['original-destination']);
      expect([...envoy.has.cluster.keys()]).toEqual(['original-destination']);
    });
  },
);
