/** Detour in a cluster, from the project's own manifest, in a namespace of the test's own. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from './cluster.ts';
import type { PodObject } from './pod-objects.ts';

const MANIFEST = new URL('../../../k8s/detour.yaml', import.meta.url);
/** What the manifest calls its namespace; names of cluster-wide objects have it in them. */
const NAMESPACE = 'detour-system';
const RBAC = 'rbac.authorization.k8s.io';

export class Installation implements AsyncDisposable {
  readonly namespace: string;
  readonly #cluster: Cluster;

  private constructor(cluster: Cluster, namespace: string) {
    this.#cluster = cluster;
    this.namespace = namespace;
  }

  /** Images `detour` and `envoyproxy/envoy` are the cluster's. @throws Error with what kubectl says */
  static async apply(cluster: Cluster): Promise<Installation> {
    const namespace = await cluster.namespace('detour');
    const manifest = (await readFile(MANIFEST, 'utf8')).replaceAll(NAMESPACE, namespace);
    const { code, stderr } = await cluster.kubectl(['apply', '-f', '-'], { input: manifest });
    if (code !== 0) throw new Error(stderr);
    return new Installation(cluster, namespace);
  }

  /** Where Envoys find the control plane without DNS: its ClusterIP. */
  async xds(): Promise<string> {
    const path = `/api/v1/namespaces/${this.namespace}/services/detour`;
    const { spec } = await this.#cluster.request<{ spec: { clusterIP: string } }>('GET', path);
    return `${spec.clusterIP}:18000`;
  }

  /** Until replicas and gateways are as the manifest wants them. */
  async ready(): Promise<void> {
    await this.#cluster.rolledOut(this.namespace, 'detour');
    await this.#cluster.rolledOut(this.namespace, 'detour-gateway');
  }

  /** Replicas that are ready, by their pods. */
  async replicas(): Promise<readonly PodObject[]> {
    return (await this.#pods('control-plane')).filter(isReady);
  }

  async gateways(): Promise<readonly PodObject[]> {
    return (await this.#pods('gateway')).filter(isReady);
  }

  /** A user may do what `detour list`, `wait` and `explain` need. */
  async letUse(user: string): Promise<void> {
    const metadata = { name: `detour-user-${user}`, namespace: this.namespace };
    const roleRef = { apiGroup: RBAC, kind: 'Role', name: 'detour-user' };
    const subjects = [{ apiGroup: RBAC, kind: 'User', name: user }];
    await this.#cluster.apply([{ apiVersion: `${RBAC}/v1`, kind: 'RoleBinding', metadata, roleRef, subjects }]);
  }

  /** Of the process that a container of a replica is. */
  async processId({ metadata }: PodObject): Promise<number> {
    return Number(await readFile(join(this.#cluster.folder, `container-${metadata.uid}-detour.pid`), 'utf8'));
  }

  /** What is cluster-wide goes; the namespace goes with the cluster. */
  async [Symbol.asyncDispose](): Promise<void> {
    const name = `detour:${this.namespace}`;
    for (const kind of ['clusterrolebindings', 'clusterroles'])
      await this.#cluster.request('DELETE', `/apis/${RBAC}/v1/${kind}/${name}`);
  }

  #pods(component: string): Promise<readonly PodObject[]> {
    return this.#cluster.pods(this.namespace, `app.kubernetes.io/component=${component}`);
  }
}

/** And stays. */
function isReady({ metadata, status }: PodObject): boolean {
  const { conditions = [] } = (status ?? {}) as { conditions?: readonly { type: string; status: string }[] };
  return metadata.deletionTimestamp === undefined && conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');
}
