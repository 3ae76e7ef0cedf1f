/** `detour lint` says what the engine says of the same objects in a cluster: the same codes, sentences and fixes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { lintManifests } from '../../src/cli/lint/lint-manifests.ts';
import { manifestsOf } from '../../src/cli/manifest-objects.ts';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import { anEndpoint, aPod, aPort, aService, aSlice, puts } from '../support/builders.ts';

const NOW = Date.parse('2026-06-01T00:00:00Z');

const previewAnnotations = fc.record(
  {
    intercept: fc.constantFrom('api', 'api:http', 'api:grpc', 'apii', 'api, api', 'api=web', 'api.other.svc', ''),
    match: fc.constantFrom('x-user=alice', 'x-user', 'x==y', 'cookie*=a', 'x-a=b, x-user~="(?=a)"', 'x-user~="a.*", x-b=c'),
    mode: fc.constantFrom('route', 'mirror', 'Mirror'),
    percent: fc.constantFrom('10', '0', 'half'),
    expires: fc.constantFrom('2026-05-31T00:00:00Z', '2027-01-01T00:00:00Z', 'tomorrow'),
    intercpt: fc.constant('api'),
    host: fc.constant('shop.example.com'),
  },
  { requiredKeys: [] },
);
const serviceAnnotations = fc.record(
  {
    host: fc.constantFrom('shop.example.com', 'example.com', 'https://x', `${'h'.repeat(60)}.example.com`),
    'allow-from': fc.constantFrom('none', 'shop', 'team a'),
    'allow-match': fc.constantFrom('*', 'none', 'x-user'),
    'allow-modes': fc.constantFrom('route', 'rout', 'route, percent'),
    match: fc.constant('x'),
  },
  { requiredKeys: [] },
);
const world = fc.record({
  service: serviceAnnotations,
  previews: fc.array(fc.tuple(fc.constantFrom('pr-1', 'pr-2', 'PR_3', 'k'.repeat(63)), previewAnnotations), { maxLength: 3 }),
  leaks: fc.boolean(),
});

function prefixed(annotations: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(annotations).map(([name, value]) => [`detour.dev/${name}`, value ?? '']));
}

test('lint tells what the engine tells', () => {
  fc.assert(
    fc.property(world, ({ service, previews, leaks }) => {
      const spec = { selector: { app: 'api' }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
      const metadata = { name: 'api', namespace: 'shop', annotations: prefixed(service) };
      const workloads = previews.map(([key, annotations], index) => {
        const labels = { 'detour.dev/preview': key, ...(leaks && { app: 'api' }) };
        const template = { metadata: { labels, annotations: prefixed(annotations) }, spec: { containers: [{ name: 'api' }] } };
        return {
          apiVersion: 'apps/v1',
          kind: 'Deployment',
          metadata: { name: `p${index}`, namespace: 'shop' },
          spec: { template },
        };
      });
      const text = [{ apiVersion: 'v1', kind: 'Service', metadata, spec }, ...workloads]
        .map((each) => stringify(each))
        .join('---\n');
      const findings = lintManifests(manifestsOf({ file: 'a.yaml', text, found: false }).objects, NOW);

      const pods = previews.map(([previewLabel, annotations], index) => {
        const name = `p${index}`;
        const own = Object.fromEntries(Object.entries(annotations).map(([key, value]) => [key, value ?? '']));
        return aPod({ name, previewLabel, annotations: own, controller: { kind: 'Deployment', name }, ports: {} });
      });
      const own = Object.fromEntries(Object.entries(service).map(([key, value]) => [key, value ?? '']));
      const leaked = leaks ? pods.map(({ name }) => anEndpoint({ addresses: ['10.0.0.9'], pod: `shop/${name}` })) : [];
      const engine = new InterceptEngine();
      const objects = [
        aService({ annotations: own, ports: [aPort()] }),
        aSlice({ endpoints: [anEndpoint(), ...leaked] }),
        ...pods,
      ];
      engine.apply(puts(...objects), NOW);
      const told = [...engine.problems()].map(({ code, message, hint }) => `${code}: ${message} ${hint}`);
      expect(new Set(findings.map(({ code, message, hint }) => `${code}: ${message} ${hint}`))).toEqual(new Set(told));
    }),
    { numRuns: 150 },
  );
});
