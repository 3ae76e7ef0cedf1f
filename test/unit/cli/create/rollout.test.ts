import { describe, expect, test } from 'vitest';
import { rolloutOf } from '../../../../src/cli/create/rollout.ts';
import type { ApiObject } from '../../../../src/kubernetes/api-objects.ts';

const DONE = { observedGeneration: 2, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };

function deployment(status: object, kind = 'Deployment'): ApiObject {
  return { kind, metadata: { generation: 2 }, spec: { replicas: 2 }, status };
}

interface PodLike {
  readonly hash?: string;
  readonly born?: number;
  readonly status: object;
}

function pod({ hash = 'new', born = 2, status }: PodLike): ApiObject {
  const creationTimestamp = `2026-01-01T00:00:0${born}Z`;
  return {
    metadata: { name: `api-${hash}`, namespace: 'shop', creationTimestamp, labels: { 'pod-template-hash': hash } },
    status,
  };
}

const READY = { conditions: [{ type: 'Ready', status: 'True' }] };
const waiting = (reason: string, message = '') => ({
  containerStatuses: [{ name: 'main', state: { waiting: { reason, message } } }],
});

describe('a rollout', () => {
  test('is done when all pods are of the newest template and ready', () => {
    expect(rolloutOf(deployment(DONE), [])).toEqual({ kind: 'done' });
    const revisions = { currentRevision: 'b', updateRevision: 'b' };
    expect(rolloutOf(deployment({ ...DONE, ...revisions }, 'StatefulSet'), [])).toEqual({ kind: 'done' });
    expect(rolloutOf(deployment(DONE, 'ReplicaSet'), [])).toEqual({ kind: 'done' });
    expect(rolloutOf({ kind: 'Pod', metadata: {}, status: READY }, [])).toEqual({ kind: 'done' });
  });

  test.each([
    ['the controller has not seen it', { ...DONE, observedGeneration: 1 }],
    ['an old pod is left', { ...DONE, replicas: 3 }],
    ['a pod is of the old template', { ...DONE, updatedReplicas: 1 }],
    ['a pod is not available', { ...DONE, availableReplicas: 1 }],
  ])('is not, while %s', (_, status) => {
    const ready = pod({ status: READY });
    expect(rolloutOf(deployment(status), [ready])).toMatchObject({
      kind: 'under way',
      what: '1 of 2 pods are ready',
      hopelessAfterMs: undefined,
    });
  });

  test('that waits for old pods, or for the controller, says so', () => {
    const ready = [pod({ status: READY }), pod({ status: READY })];
    expect(rolloutOf(deployment({ ...DONE, replicas: 3 }), ready)).toMatchObject({
      what: '2 of 2 pods are ready; those of before are still there',
    });
    expect(rolloutOf(deployment({ ...DONE, availableReplicas: 1 }), ready)).toMatchObject({
      what: '2 of 2 pods are ready; their controller has yet to say so',
    });
  });

  test.each([
    ['ImagePullBackOff', 'describe pod api-new` says more'],
    ['CreateContainerConfigError', 'describe pod api-new` says more'],
    ['CrashLoopBackOff', 'logs api-new -c main --previous` says why'],
  ])('may be hopeless with %s, and says where to look', (reason, hint) => {
    const rollout = rolloutOf(deployment({ ...DONE, availableReplicas: 1 }), [pod({ status: waiting(reason, 'so it is') })]);
    expect(rollout).toMatchObject({
      what: `pod api-new, container main: ${reason}: so it is`,
      hint: expect.stringContaining(hint),
    });
    expect(rollout.kind === 'under way' && rollout.hopelessAfterMs).toBeGreaterThan(0);
  });

  test('an image that is pulled again, a pod that finds no node and the pods of an older template leave hope', () => {
    const state = deployment({ ...DONE, availableReplicas: 1 });
    expect(rolloutOf(state, [pod({ status: waiting('ErrImagePull') })])).toMatchObject({ hopelessAfterMs: undefined });
    const conditions = [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'no room' }];
    expect(rolloutOf(state, [pod({ status: { conditions } })])).toMatchObject({
      what: 'pod api-new: Unschedulable: no room',
      hopelessAfterMs: undefined,
    });
    const old = pod({ hash: 'old', born: 1, status: waiting('CrashLoopBackOff') });
    expect(rolloutOf(state, [old, pod({ status: {} })])).toMatchObject({ what: '0 of 2 pods are ready' });
  });

  test('pods that may not be made are told as the controller says', () => {
    const conditions = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'exceeded quota' }];
    const rollout = rolloutOf(deployment({ conditions }), []);
    expect(rollout).toMatchObject({ what: 'FailedCreate: exceeded quota' });
    expect(rollout.kind === 'under way' && rollout.hopelessAfterMs).toBeGreaterThan(0);
  });
});
