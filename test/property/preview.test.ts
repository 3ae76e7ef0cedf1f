/** Copies of arbitrary workloads: whatever their labels and selectors are, nothing takes a copy for its baseline. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Fields } from '../../src/model/field-reader.ts';
import { type CopyOptions, DEFAULT_COPY } from '../../src/preview/copy-options.ts';
import { copyWorkload } from '../../src/preview/copy-workload.ts';
import { type Labels, labelSelector, selects, serviceSelector } from '../../src/preview/selector.ts';
import { fieldsOf, podLabels } from '../../src/preview/workload.ts';

const NAMES = ['app', 'tier', 'app.kubernetes.io/name', 'app.kubernetes.io/instance', 'release', 'version', 'helm.sh/chart'];
const INSTANCE = 'app.kubernetes.io/instance';
const VALUES = ['api', 'web', 'api-pr-42', 'Helm', '', 'x'.repeat(63)];
const label = fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...VALUES));
const labels: fc.Arbitrary<Labels> = fc
  .array(label, { minLength: 1, maxLength: 6 })
  .map((entries) => Object.fromEntries(entries));

/** Of the labels that there are, some: by equality, or by an expression. */
function selectorOf(own: Labels): fc.Arbitrary<Fields> {
  const keys = Object.keys(own);
  const some = fc.subarray(keys, { minLength: 1 });
  return fc.tuple(some, fc.constantFrom('matchLabels', 'In', 'Exists')).map(([chosen, form]): Fields => {
    if (form === 'matchLabels') return { matchLabels: Object.fromEntries(chosen.map((key) => [key, own[key]])) };
    const values = (key: string) =>
      operator(key) === 'In' ? { values: [own[key], key === INSTANCE ? 'other' : `${own[key]}-pr-42`] } : {};
    // A copy has an instance label of its own: that it exists takes any pod that has one.
    const operator = (key: string) => (key === INSTANCE ? 'In' : form);
    return { matchExpressions: chosen.map((key) => ({ key, operator: operator(key), ...values(key) })) };
  });
}

const world = labels.chain((own) =>
  fc.record({
    own: fc.constant(own),
    selector: selectorOf(own),
    apart: fc.array(selectorOf(own), { maxLength: 2 }),
    services: fc.array(fc.subarray(Object.keys(own), { minLength: 1 }), { minLength: 1, maxLength: 4 }),
    kind: fc.constantFrom('Deployment', 'StatefulSet', 'ReplicaSet'),
    key: fc.constantFrom('pr-42', 'a', 'k'.repeat(63)),
    unknown: fc.dictionary(fc.constantFrom('future', 'minReadySeconds', 'x'), fc.jsonValue()),
  }),
);

test('neither a Service, nor the baseline, nor a rule that keeps its pods apart selects the copy, and the copy selects itself', () => {
  fc.assert(
    fc.property(world, ({ own, selector, apart, services: chosen, kind, key, unknown }) => {
      const services = chosen.map((keys, index): Fields => {
        const spec = { selector: Object.fromEntries(keys.map((name) => [name, own[name]])), ports: [{ port: 80 }] };
        return { apiVersion: 'v1', kind: 'Service', metadata: { name: `s${index}` }, spec };
      });
      const terms = apart.map((labelSelectorOf) => ({ topologyKey: 'zone', labelSelector: labelSelectorOf }));
      const pod = {
        containers: [{ name: 'api', image: 'api:1' }],
        affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: terms } },
        ...unknown,
      };
      const workload = {
        apiVersion: 'apps/v1',
        kind,
        metadata: { name: 'api', labels: own },
        spec: { ...unknown, selector, template: { metadata: { labels: own }, spec: pod } },
      };
      const options: CopyOptions = { ...DEFAULT_COPY, key, standsInFor: [{ service: 's0', port: undefined }] };
      const copy = copyWorkload(workload, services, options);
      if ('faults' in copy) {
        // The baseline is an instance that has the copy's name: there is no copy that would do.
        expect(own[INSTANCE]).toBe(`api-${key}`);
        expect(copy.faults.map(({ message }) => message).join()).toContain("would select the preview's pods");
        return;
      }
      const after = podLabels(copy.manifest);
      for (const each of services.map(serviceSelector)) expect(selects(each, after)).toBe(false);
      for (const each of [selector, ...apart].map(labelSelector)) {
        const isItsName = each?.every(({ key: name, values }) => name === INSTANCE && values.includes(`api-${key}`));
        if (isItsName !== true) expect(selects(each, after)).toBe(false);
      }
      expect(selects(labelSelector(copy.manifest.spec['selector']), after)).toBe(true);
      expect(selects(labelSelector(copy.manifest.spec['selector']), own)).toBe(false);
      for (const value of Object.values({ ...after, ...copy.manifest.metadata.labels })) expect(value).toMatch(LABEL_VALUE);
      // What nobody knows is still there, in both places.
      expect(copy.manifest.spec).toMatchObject(unknown);
      expect(fieldsOf(fieldsOf(copy.manifest.spec['template'])['spec'])).toMatchObject(unknown);
    }),
    { numRuns: 300 },
  );
});

const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;
