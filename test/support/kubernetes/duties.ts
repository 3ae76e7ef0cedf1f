/** What the control plane and the commands do with their rights, one duty at a time, on a real API server. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Access } from '../../../src/kubernetes/access.ts';
import { HttpApiClient, isFailure } from '../../../src/kubernetes/api-client.ts';
import { dialPod } from '../../../src/kubernetes/port-forward.ts';
import { kubernetesSource } from '../../../src/sources/kubernetes/kubernetes-source.ts';
import { EventWriter } from '../../../src/status/event-writer.ts';
import type { Telling } from '../../../src/status/fact.ts';
import { Leader } from '../../../src/status/leader.ts';
import { Peers } from '../../../src/status/peers.ts';
import { Reaper } from '../../../src/status/reaper.ts';
import { until } from '../until.ts';
import type { KubernetesObject } from './api-client.ts';
import type { ApiServer } from './api-server.ts';

export const SHOP = 'shop';
export const SYSTEM = 'detour-system';

/** Names of the duties' own. */
let made = 0;

export const POD = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'web', image: 'web' }], restartPolicy: 'Never' },
};

export function service(name: string): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: SHOP },
    spec: { ports: [{ name: 'http', port: 80 }] },
  };
}

/** What controllers make pods of; none runs here. */
export function workload(apiVersion: string, kind: string, name: string, metadata: object = {}): KubernetesObject {
  const template = kind === 'Job' ? POD : { ...POD, spec: { ...POD.spec, restartPolicy: 'Always' } };
  const spec = kind === 'Job' ? { template } : { selector: { matchLabels: { app: 'web' } }, template };
  const more = kind === 'StatefulSet' ? { serviceName: 'web' } : {};
  return { apiVersion, kind, metadata: { ...metadata, name, namespace: SHOP }, spec: { ...spec, ...more } };
}

/** What of the control plane is tried; '' when it works, else what it says. */
export type Duty = (access: Access) => Promise<string>;
type ApiDuty = (api: ApiServer) => Duty;

/** Follows the namespace until it has everything and watches it, or says why it cannot. */
export const follow: ApiDuty = (api) => async (access) => {
  const source = kubernetesSource({ access, namespaces: [SHOP], now: Date.now });
  let trouble: string | undefined;
  let synced = false;
  const seen = new Set<string>();
  const following = source.follow((batch) => {
    trouble = batch.trouble;
    synced = batch.synced;
    for (const { kind, key } of batch.changes) seen.add(`${kind} ${key}`);
  });
  try {
    await until('a first state', () => synced || trouble !== undefined);
    if (trouble !== undefined) return trouble;
    // What comes only now, the watch told.
    made += 1;
    const late = `late-${made}`;
    await api.apply([service(late)]);
    await until('the watches', () => trouble !== undefined || seen.has(`service ${SHOP}/${late}`));
    // A watch on what does not change is denied as soon as it begins.
    await sleep(200);
    return trouble ?? '';
  } finally {
    following[Symbol.dispose]();
  }
};

function writer(access: Access): EventWriter {
  return new EventWriter({ sender: new HttpApiClient(access), identity: 'test', now: Date.now, timeoutMs: 5_000 });
}

function telling(kind: string, topic: string): Telling {
  const target = { kind, namespace: SHOP, name: kind === 'Service' ? 'api' : 'web' };
  const fact = {
    target,
    topic,
    reason: 'Tried',
    type: 'Normal',
    text: 'It was tried.',
    version: '1',
    ending: undefined,
  } as const;
  return { fact: { ...fact, repeats: false }, phase: 'is', version: '1' };
}

/** Tells something of an object of that kind twice, and looks what was told. */
export function tell(kind: string): Duty {
  return async (access) => {
    made += 1;
    const signal = AbortSignal.timeout(10_000);
    for (let round = 0; round < 2; round += 1) {
      const written = await writer(access).write(telling(kind, `topic-${made}`), signal);
      if (isFailure(written)) return written.reason;
      if (written.uid === undefined) return `the Event has no uid of the ${kind}: describe does not show it`;
    }
    const told = await writer(access).readAll([SHOP], signal);
    return isFailure(told) ? told.reason : '';
  };
}

/** Deletes one that has expired. */
export function reap(api: ApiServer, apiVersion: string, kind: string): Duty {
  return async (access) => {
    made += 1;
    const name = `expired-${made}`;
    const labels = { 'app.kubernetes.io/managed-by': 'detour', 'detour.dev/preview': 'pr-1' };
    const annotations = { 'detour.dev/expires': '2026-01-01T00:00:00Z', 'detour.dev/delete-when-expired': 'true' };
    const object: KubernetesObject =
      kind === 'Pod'
        ? { apiVersion, kind, metadata: { name, namespace: SHOP, labels, annotations }, spec: POD.spec }
        : workload(apiVersion, kind, name, { labels, annotations });
    await api.apply([object]);
    const term = new AbortController();
    const said: string[] = [];
    const reaper = new Reaper({
      sender: new HttpApiClient(access),
      events: undefined,
      namespaces: [SHOP],
      now: Date.now,
      random: Math.random,
      timeoutMs: 5_000,
      everyMs: 60_000,
      onDeleted: ({ involved }) => {
        if (involved.name === name) said.push('');
      },
      onTrouble: (failure) => {
        if (failure !== undefined) said.push(failure.reason);
      },
    });
    const running = reaper.run(term.signal);
    try {
      return await until('an end of it', async () => (said.length === 0 ? undefined : { text: said[0] ?? '' })).then(
        ({ text }) => text,
      );
    } finally {
      term.abort();
      await running;
      await api.delete([object]).catch(() => undefined);
    }
  };
}

/** Takes the Lease and renews it, as the only one. */
export const lead: ApiDuty = (api) => async (access) => {
  await api.request('DELETE', `/apis/coordination.k8s.io/v1/namespaces/${SYSTEM}/leases/detour`).catch(() => undefined);
  let trouble: string | undefined;
  let attempts = 0;
  await using leader = new Leader({
    sender: new HttpApiClient(access),
    namespace: SYSTEM,
    identity: access.name,
    times: { durationMs: 2_000, renewWithinMs: 1_500, retryMs: 20, deniedMs: 20 },
    now: Date.now,
    monotonic: () => performance.now(),
    random: Math.random,
    onTerm: () => undefined,
    onTrouble: (failure) => {
      attempts += 1;
      trouble ??= failure?.reason;
    },
  });
  leader.start();
  await until('the Lease, renewed', () => trouble !== undefined || (leader.isLeading && attempts > 2));
  return trouble ?? '';
};

/** Finds the other replicas, as the one that leads. */
export const meet: Duty = async (access) => {
  const peers = new Peers({ sender: new HttpApiClient(access), namespace: SYSTEM, identity: 'detour-0', timeoutMs: 5_000 });
  const found = await peers.replicas(AbortSignal.timeout(10_000));
  return isFailure(found) ? found.reason : '';
};

/** As the commands do for the developer. No kubelet is here: that the server would go to one is enough. */
export const ask: Duty = async (access) => {
  const signal = AbortSignal.timeout(10_000);
  const client = new HttpApiClient(access);
  const query = { labelSelector: 'app.kubernetes.io/name=detour' };
  const pods = await client.get({ path: `/api/v1/namespaces/${SYSTEM}/pods`, query, resource: 'pods', signal });
  if (isFailure(pods)) return pods.reason;
  const to = { namespace: SYSTEM, pod: 'detour-1', port: 19000 };
  const dialled = await dialPod(access, to, signal);
  if (!isFailure(dialled)) dialled.destroy();
  return isFailure(dialled) && dialled.status === 403 ? `${dialled.reason}: ${dialled.fix}` : '';
};
