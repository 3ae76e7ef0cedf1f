import { expect, test } from 'vitest';
import { takeOverFields } from '../../../../src/cli/create/take-over-fields.ts';

const entry = (manager: string, operation: string, fieldsV1: object, more: object = {}) => ({
  ...{ manager, operation, apiVersion: 'apps/v1', fieldsType: 'FieldsV1', fieldsV1 },
  ...more,
});
const object = (...managedFields: readonly object[]) => ({ metadata: { resourceVersion: '7', managedFields } });
const status = entry('kube-controller-manager', 'Update', { 'f:status': {} }, { subresource: 'status' });

test('what kubectl has applied becomes our own, beside what already is', () => {
  const ours = entry('detour', 'Apply', { 'f:spec': { 'f:replicas': {} } });
  const theirs = entry('kubectl-client-side-apply', 'Update', { 'f:spec': { 'f:paused': {} }, 'f:metadata': {} });
  const both = { 'f:spec': { 'f:replicas': {}, 'f:paused': {} }, 'f:metadata': {} };
  expect(takeOverFields(object(ours, theirs, status))).toEqual([
    { op: 'replace', path: '/metadata/managedFields', value: [status, entry('detour', 'Apply', both)] },
    { op: 'test', path: '/metadata/resourceVersion', value: '7' },
  ]);
});

test('of kubectl alone, by either way to apply', () => {
  for (const theirs of [entry('kubectl-client-side-apply', 'Update', { a: {} }), entry('kubectl', 'Apply', { a: {} })])
    expect(takeOverFields(object(theirs))?.[0]).toMatchObject({ value: [entry('detour', 'Apply', { a: {} })] });
});

test('what somebody has edited stays theirs, and so does what controllers write', () => {
  expect(takeOverFields(object(entry('kubectl-edit', 'Update', {}), entry('detour', 'Apply', {}), status))).toBeUndefined();
  expect(takeOverFields({ metadata: {} })).toBeUndefined();
  expect(takeOverFields({})).toBeUndefined();
});
