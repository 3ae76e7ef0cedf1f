/**
 * Stands in for scheduler and kubelet: binds pods to the node, runs what their images are in the test's table, and says so
 * in their status. It knows probes of readiness and startup, hooks before the end, init containers and sidecars, volumes,
 * ServiceAccounts' tokens; it does not know resources, liveness probes, users, nor what a node may refuse.
 */
import { Followed } from '../kubernetes/follow.ts';
import { persist } from '../kubernetes/persist.ts';
import { ADDRESSES_PER_BLOCK, NODE_NAME, podAddress } from './addresses.ts';
import { type PodObject, pathOfPod } from './pod-objects.ts';
import { type PodContext, PodWorker } from './pod-worker.ts';

export interface KubeletOptions extends PodContext {
  /** Of pod addresses, see addresses.ts. */
  readonly block: number;
  /** Pods of other namespaces are somebody else's. */
  readonly manages: (namespace: string) => boolean;
}

export class Kubelet implements AsyncDisposable {
  readonly #options: KubeletOptions;
  /** By uid. What has ended stays while the pod is there: it is not started again. */
  readonly #workers = new Map<string, PodWorker>();
  readonly #uids = new Map<string, string>();
  readonly #binding = new Set<string>();
  readonly #tasks = new Set<Promise<void>>();
  #pods: Followed | undefined;
  #next = 0;
  #isClosed = false;

  private constructor(options: KubeletOptions) {
    this.#options = options;
  }

  static async start(options: KubeletOptions): Promise<Kubelet> {
    const kubelet = new Kubelet(options);
    // The API server gives whole Pods.
    const changed = (key: string, pod: object | undefined): void => kubelet.#changed(key, pod as PodObject | undefined);
    kubelet.#pods = await Followed.start(options.api, '/api/v1/pods', changed);
    return kubelet;
  }

  /** A namespace is managed from now on. */
  look(): void {
    for (const [key, pod] of this.#pods?.objects ?? []) this.#changed(key, pod as PodObject);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#pods?.[Symbol.asyncDispose]();
    // Nobody waits for the grace of pods that end just now.
    for (const worker of this.#workers.values()) worker.kill();
    await Promise.all(this.#tasks);
    await Promise.all([...this.#workers.values()].map((worker) => worker.stop(0)));
  }

  #changed(key: string, pod: PodObject | undefined): void {
    const uid = this.#uids.get(key);
    if (uid !== undefined && uid !== pod?.metadata.uid) this.#forget(key, uid);
    if (pod === undefined || !this.#options.manages(pod.metadata.namespace)) return;
    const { metadata, spec, status } = pod;
    this.#uids.set(key, metadata.uid);
    if (spec.nodeName === undefined) {
      if (metadata.deletionTimestamp === undefined && (spec.schedulingGates ?? []).length === 0) this.#bind(pod);
      return;
    }
    if (spec.nodeName !== NODE_NAME) return;
    const worker = this.#workers.get(metadata.uid);
    if (metadata.deletionTimestamp !== undefined) this.#task(this.#end(pod, worker));
    else if (worker === undefined && status?.phase === 'Pending') {
      const started = new PodWorker(this.#options, pod, this.#address());
      this.#workers.set(metadata.uid, started);
      started.start();
    }
  }

  #bind(pod: PodObject): void {
    const { name, uid } = pod.metadata;
    if (this.#binding.has(uid)) return;
    this.#binding.add(uid);
    const target = { apiVersion: 'v1', kind: 'Node', name: NODE_NAME };
    const body = { apiVersion: 'v1', kind: 'Binding', metadata: { name, uid }, target };
    this.#task(this.#persist('POST', `${pathOfPod(pod)}/binding`, body));
  }

  async #end(pod: PodObject, worker: PodWorker | undefined): Promise<void> {
    await worker?.stop((pod.metadata.deletionGracePeriodSeconds ?? 0) * 1000);
    // What waits for a finalizer was deleted as far as a kubelet can.
    if (pod.metadata.deletionGracePeriodSeconds === 0) return;
    const options = { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } };
    await this.#persist('DELETE', pathOfPod(pod), options);
  }

  async #persist(method: string, path: string, body: object): Promise<void> {
    await persist(
      `${method} ${path}`,
      () => !this.#isClosed,
      () => this.#options.api.request(method, path, body),
    );
  }

  /** The pod is gone, by force, or in good order. */
  #forget(key: string, uid: string): void {
    this.#uids.delete(key);
    this.#binding.delete(uid);
    const worker = this.#workers.get(uid);
    if (worker !== undefined) this.#task(worker.stop(0).finally(() => this.#workers.delete(uid)));
  }

  /** Not one that a pod has now. */
  #address(): string {
    const taken = new Set([...this.#workers.values()].map(({ address }) => address));
    for (let tries = 0; tries < ADDRESSES_PER_BLOCK; tries++) {
      const address = podAddress(this.#options.block, this.#next++);
      if (!taken.has(address)) return address;
    }
    throw new Error('every address of the block is a pod’s');
  }

  #task(task: Promise<void>): void {
    const watched = task
      .catch((error: unknown) => {
        console.error('the kubelet stand-in:', error instanceof Error ? error.message : error);
      })
      .finally(() => this.#tasks.delete(watched));
    this.#tasks.add(watched);
  }
}
