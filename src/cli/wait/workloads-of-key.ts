/** The workloads of a key's previews, as far as one may read them: whether their pods are those of their newest templates. */
import { PREFIX, PREVIEW_LABEL } from '../../annotations/keys.ts';
import { isFailure } from '../../kubernetes/api-client.ts';
import type { ApiObject } from '../../kubernetes/api-objects.ts';
import { fieldsOf, textOf } from '../../preview/workload.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { type TopOwner, topOwner } from '../cluster/top-owner.ts';
import { collectionPath, WORKLOAD_PLACES } from '../cluster/workload-kinds.ts';
import type { ExpectedPods } from '../control-plane/judge.ts';
import type { Look } from '../control-plane/wait-until-live.ts';
import { ipsOf, isReady, rolloutOf } from '../create/rollout.ts';

interface Workload {
  readonly owner: TopOwner;
  readonly object: ApiObject;
  readonly pods: readonly ApiObject[];
}

export class WorkloadsOfKey {
  readonly #cluster: Cluster;
  readonly #key: string;
  readonly #namespace: string;
  /** Since when each thing that may be hopeless is so; ms since the epoch. */
  #since: ReadonlyMap<string, number> = new Map();

  constructor(cluster: Cluster, key: string, namespace: string) {
    this.#cluster = cluster;
    this.#key = key;
    this.#namespace = namespace;
  }

  /** What cannot be read is passed over: the control plane then says alone what there is. */
  async look(): Promise<Look> {
    const [now, since] = [Date.now(), new Map<string, number>()];
    const lacks: string[] = [];
    const expected: ExpectedPods[] = [];
    let hopeless: Look['hopeless'];
    for (const { owner, object, pods } of await this.#workloads()) {
      const rollout = rolloutOf(object, pods);
      const label = `${owner.kind} ${owner.namespace}/${owner.name}`;
      if (rollout.kind === 'done') {
        expected.push({ workload: `${owner.kind}/${owner.name}`, pods: pods.filter(isReady).map(ipsOf) });
        continue;
      }
      const { what, hopelessAfterMs, hint } = rollout;
      lacks.push(`${label}: ${what}`);
      const from = this.#since.get(what) ?? now;
      since.set(what, from);
      if (hopelessAfterMs !== undefined && now - from >= hopelessAfterMs)
        hopeless = { trouble: `${label} does not come up: ${what}`, hint };
    }
    this.#since = since;
    return { lacks, expected, hopeless };
  }

  async #workloads(): Promise<readonly Workload[]> {
    const query = { labelSelector: `${PREVIEW_LABEL}=${this.#key}` };
    const listed = await this.#cluster.list(collectionPath(WORKLOAD_PLACES.Pod, this.#namespace), { resource: 'pods', query });
    if (isFailure(listed)) return [];
    const pods = listed.filter(standsInForSomething);
    const owners = await Promise.all(pods.map((pod) => topOwner(this.#cluster, pod)));
    const byName = new Map<string, Workload>();
    for (const [index, pod] of pods.entries()) {
      const owner = owners[index];
      if (owner?.object === undefined || !followsItsTemplate(owner.object)) continue;
      const name = `${owner.kind}/${owner.name}`;
      byName.set(name, { owner, object: owner.object, pods: [...(byName.get(name)?.pods ?? []), pod] });
    }
    return [...byName.values()];
  }
}

/** Others with the label are no previews, and those that end are none any more. */
function standsInForSomething(pod: ApiObject): boolean {
  const metadata = fieldsOf(pod['metadata']);
  return metadata['deletionTimestamp'] === undefined && fieldsOf(metadata['annotations'])[`${PREFIX}intercept`] !== undefined;
}

/** Some are told to keep pods of older ones. Whoever deletes one is not waiting for it. */
function followsItsTemplate(object: ApiObject): boolean {
  const spec = fieldsOf(object['spec']);
  const strategy = fieldsOf(spec['updateStrategy']);
  const { partition } = fieldsOf(strategy['rollingUpdate']);
  if (fieldsOf(object['metadata'])['deletionTimestamp'] !== undefined || spec['paused'] === true) return false;
  return textOf(strategy['type']) !== 'OnDelete' && (partition === undefined || partition === 0);
}
