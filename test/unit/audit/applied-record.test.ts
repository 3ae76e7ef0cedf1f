import { describe, expect, test } from 'vitest';
import { appliedRecord } from '../../../src/audit/applied-record.ts';
import type { Fields } from '../../../src/model/field-reader.ts';
import type { AdmissionRequest } from '../../../src/webhooks/admission-review.ts';

function deployment(
  annotations: object,
  labels: object = { 'detour.dev/preview': 'pr-42', app: 'api' },
  metadata: object = {},
): Fields {
  const template = { metadata: { labels, annotations }, spec: { containers: [] } };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'api-pr-42', ...metadata }, spec: { template } };
}

function request(parts: Partial<AdmissionRequest>): AdmissionRequest {
  return {
    ...{ uid: 'u', operation: 'CREATE', kind: 'Deployment', namespace: 'shop', user: 'alice@example.com', dryRun: false },
    ...{ object: {}, oldObject: {} },
    ...parts,
  };
}

const CONTROLLED = { ownerReferences: [{ kind: 'ReplicaSet', name: 'x', controller: true }] };

describe('who applied what', () => {
  test('is the user that the API server names, and what of Detour there is on the object and its template', () => {
    const object = deployment({ 'detour.dev/intercept': 'api', other: 'x' }, undefined, {
      annotations: { 'detour.dev/host': 'h' },
    });
    expect(appliedRecord(request({ object }), 'fine')).toEqual({
      event: 'applied',
      namespace: 'shop',
      workload: { kind: 'Deployment', name: 'api-pr-42' },
      operation: 'CREATE',
      user: 'alice@example.com',
      outcome: 'fine',
      after: { 'detour.dev/preview': 'pr-42', 'detour.dev/intercept': 'api', 'detour.dev/host': 'h' },
      before: {},
    });
  });

  test('is told of an update by what differs, and not at all where nothing of Detour does', () => {
    const oldObject = deployment({ 'detour.dev/intercept': 'api', 'detour.dev/percent': '5' });
    const object = deployment({ 'detour.dev/intercept': 'api', 'detour.dev/match': 'x-user=a' });
    expect(appliedRecord(request({ operation: 'UPDATE', object, oldObject }), 'denied')).toMatchObject({
      outcome: 'denied',
      after: { 'detour.dev/match': 'x-user=a' },
      before: { 'detour.dev/percent': '5' },
    });
    expect(appliedRecord(request({ operation: 'UPDATE', object, oldObject: object }), 'fine')).toBeUndefined();
  });

  test('is told of a deletion by all that was there', () => {
    const oldObject = deployment({ 'detour.dev/intercept': 'api' });
    expect(appliedRecord(request({ operation: 'DELETE', oldObject }), 'fine')).toMatchObject({
      operation: 'DELETE',
      workload: { name: 'api-pr-42' },
      after: {},
      before: { 'detour.dev/preview': 'pr-42', 'detour.dev/intercept': 'api' },
    });
  });

  test('is not told of what is only tried, nor of what a controller of Kubernetes makes of another object', () => {
    const object = deployment({ 'detour.dev/intercept': 'api' }, undefined, CONTROLLED);
    expect(appliedRecord(request({ object, dryRun: true }), 'fine')).toBeUndefined();
    const user = 'system:serviceaccount:kube-system:replicaset-controller';
    expect(appliedRecord(request({ object, user }), 'fine')).toBeUndefined();
    // An owner is soon written on anything: who else says so is told.
    expect(appliedRecord(request({ object }), 'fine')).toMatchObject({ user: 'alice@example.com' });
    expect(appliedRecord(request({ object: deployment({ 'detour.dev/intercept': 'api' }), user }), 'fine')).toMatchObject({
      user,
    });
  });

  test('is a line of bounded length, whatever is written', () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, number) => [`detour.dev/a${number}`, 'x'.repeat(5_000)]));
    const record = appliedRecord(request({ object: deployment(many), user: 'u'.repeat(10_000) }), 'denied');
    expect(JSON.stringify(record).length).toBeLessThan(80_000);
  });
});
