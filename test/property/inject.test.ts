/** Whatever a pod is like: it keeps all that it had, and twice is once. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { injectPod } from '../../src/inject/inject-pod.ts';
import { withAdditions } from '../../src/inject/patch.ts';
import type { InjectSettings } from '../../src/inject/settings.ts';
import type { Fields } from '../../src/model/field-reader.ts';

const SETTINGS: InjectSettings = {
  xds: [{ host: 'detour.detour-system', port: 18_000 }],
  ipFamilies: ['ipv4'],
  credentials: { serverName: 'detour.detour-system', ca: 'PEM' },
  image: 'envoy:1',
  captureImage: 'detour:1',
  resources: { requests: { cpu: '50m' }, limits: {} },
  concurrency: 1,
  systemNamespace: 'detour-system',
};
const PLACE = { namespace: 'shop', name: 'api-1', isRestricted: false };

const inject = (pod: Fields) => injectPod(pod, PLACE, SETTINGS);

/** Where a map is meant, something else now and then. */
const odd = <T>(usual: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { weight: 12, arbitrary: usual },
    { weight: 1, arbitrary: fc.constantFrom(null, undefined) },
    { weight: 1, arbitrary: fc.anything() },
  );

const container = fc.record(
  {
    name: fc.constantFrom('app', 'other', 'istio-proxy', 'detour-sidecar'),
    image: fc.constant('a:1'),
    args: odd(fc.array(fc.constantFrom('x', '--service-node', 'sidecar~shop/a'), { maxLength: 2 })),
    ports: odd(fc.array(fc.record({ containerPort: fc.constantFrom(80, 8080, 15_006) }), { maxLength: 2 })),
    resources: odd(fc.record({ limits: odd(fc.dictionary(fc.constantFrom('cpu', 'memory'), fc.constantFrom('1', 2))) })),
    securityContext: odd(fc.record({ runAsUser: fc.constantFrom(0, 1337, 1338) })),
  },
  { requiredKeys: ['name'] },
);

const pod = fc.record({
  metadata: odd(
    fc.record(
      {
        labels: odd(fc.dictionary(fc.constantFrom('app', 'detour.dev/inject'), fc.constantFrom('true', 'false', 'x'))),
        annotations: odd(
          fc.dictionary(
            fc.constantFrom(
              'team',
              'a~b/c',
              'detour.dev/sidecar-image',
              'detour.dev/sidecar-concurrency',
              'detour.dev/not-injected',
            ),
            fc.constantFrom('1', 'envoy:2', ''),
          ),
        ),
      },
      { requiredKeys: [] },
    ),
  ),
  spec: odd(
    fc.record(
      {
        containers: odd(fc.array(container, { maxLength: 3 })),
        initContainers: odd(fc.array(container, { maxLength: 2 })),
        volumes: odd(fc.array(fc.record({ name: fc.constantFrom('data', 'detour-token') }), { maxLength: 2 })),
        hostNetwork: fc.constantFrom(undefined, true, false),
        dnsPolicy: fc.constantFrom(undefined, 'Default', 'ClusterFirst'),
        nodeSelector: odd(fc.dictionary(fc.constant('kubernetes.io/os'), fc.constantFrom('linux', 'windows'))),
      },
      { requiredKeys: ['containers'] },
    ),
  ),
});

/** What is left without what may be added. */
function rest(value: unknown, before: unknown): unknown {
  const [spec, metadata] = [part(value, 'spec'), part(value, 'metadata')];
  const [specBefore, metadataBefore] = [part(before, 'spec'), part(before, 'metadata')];
  const had = (list: unknown): number => (Array.isArray(list) ? list.length : 0);
  const containers = Array.isArray(spec?.['initContainers']) ? spec['initContainers'] : [];
  const volumes = Array.isArray(spec?.['volumes']) ? spec['volumes'] : [];
  const annotations = Object.entries(part(metadata, 'annotations') ?? {}).filter(
    ([name]) => !['detour.dev/token-file', 'detour.dev/not-injected'].includes(name),
  );
  return {
    spec: {
      ...spec,
      initContainers: containers.slice(containers.length - had(specBefore?.['initContainers'])),
      volumes: volumes.slice(0, had(specBefore?.['volumes'])),
    },
    metadata: { ...metadata, labels: metadataBefore?.['labels'], annotations: Object.fromEntries(annotations) },
  };
}

function part(value: unknown, name: string): Record<string, unknown> | undefined {
  const found: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
  return typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : undefined;
}

test('a pod keeps all that it had, and twice is once', () => {
  fc.assert(
    fc.property(pod, (given) => {
      const { patch, outcome } = inject(given);
      if (outcome === 'left') {
        expect(patch).toEqual([]);
        return;
      }
      const once = withAdditions(given, patch);
      expect(rest(once, given)).toEqual(rest(given, given));
      const twice = inject(once);
      expect(twice.outcome).toBe(outcome === 'injected' ? 'left' : 'unfit');
      expect(twice.patch).toEqual([]);
    }),
    { numRuns: 500 },
  );
});

test('something happens to many of these pods, so that the property says something', () => {
  const outcomes = fc.sample(pod, { numRuns: 500, seed: 7 }).map((each) => inject(each).outcome);
  for (const outcome of ['injected', 'unfit', 'left'])
    expect(outcomes.filter((each) => each === outcome).length).toBeGreaterThan(20);
});
