/**
 * A cluster for a test file of test/cluster: the real API server and controllers that all of these files share, and a
 * kubelet stand-in that runs the pods of this file's namespaces.
 *
 *     await using cluster = await openCluster({ images: { 'shop/api': appImage(), detour: detourImage() } });
 *     const shop = await cluster.namespace('shop');          // `shop-1f3a9`: this file's own
 *     await cluster.apply([deployment, service]);            // metadata.namespace: shop
 *     await cluster.rolledOut(shop, 'api');
 *     await cluster.kubectl(['-n', shop, 'get', 'pods']);    // or with { user: 'developer' }
 *     cluster.app(shop, 'api-5d4f8c7b9-x2x4z').requests
 *
 * Pods have addresses of their own, Services answer on their ClusterIPs, names such as `api.shop-1f3a9.svc` are known in
 * the pods of real programs. Run a file by itself with
 * `tools/run tools/in-namespace.ts node_modules/vitest/vitest.mjs run test/cluster/FILE`.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { inject } from 'vitest';
import { ApiAccess } from '../kubernetes/api-access.ts';
import { ApiError, isMissing, type KubernetesObject } from '../kubernetes/api-client.ts';
import { until } from '../until.ts';
import type { App } from '../world/app.ts';
import { BLOCKS } from './addresses.ts';
import { type AppImageOptions, appImage } from './app-image.ts';
import type { Image, Images } from './image.ts';
import { type Finished, type PortForward, runClient, startPortForward } from './kubectl.ts';
import { Kubelet } from './kubelet.ts';
import type { PodObject } from './pod-objects.ts';
import { podFolder } from './pod-record.ts';

/** Rollouts and namespaces take seconds on a busy machine, not more. */
const PATIENCE_MS = 60_000;

export interface ClusterOptions {
  /**
   * By the names of images, with or without tag. A function gets the cluster, for `cluster.appImage()`. A pod of another
   * image waits with `ImagePullBackOff`.
   */
  readonly images?: Images | ((cluster: Cluster) => Images);
}

export interface CallOptions {
  /** Of the cluster: `admin` unless told; or `kubeconfig`, the path of a file. */
  readonly user?: string;
  readonly kubeconfig?: string;
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export class Cluster extends ApiAccess implements AsyncDisposable {
  readonly #namespaces = new Set<string>();
  readonly #apps = new Map<string, App>();
  readonly #stack = new AsyncDisposableStack();
  #kubelet: Kubelet | undefined;

  async open(options: ClusterOptions): Promise<void> {
    const { images = {} } = options;
    const block = await takeBlock(this.folder);
    this.#stack.defer(() => rm(block.folder, { recursive: true }));
    const kubelet = await Kubelet.start({
      api: this,
      images: typeof images === 'function' ? images(this) : images,
      folder: this.folder,
      block: block.number,
      manages: (namespace) => this.#namespaces.has(namespace),
    });
    this.#kubelet = kubelet;
    this.#stack.use(kubelet);
  }

  /**
   * Makes a namespace whose name begins with this one, and gives its name. `exact`: it has this very name; a file that
   * wants the same waits until this one is done with it.
   */
  async namespace(name: string, { exact = false, labels = {} }: NamespaceOptions = {}): Promise<string> {
    const own = exact ? name : `${name}-${randomBytes(3).toString('hex')}`;
    const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: own, labels } };
    await until(`namespace ${own} to be made`, () => this.#create(object), PATIENCE_MS);
    this.manage(own);
    // Pods are refused before it is there.
    const account = `/api/v1/namespaces/${own}/serviceaccounts/default`;
    await until(`the ServiceAccount of namespace ${own}`, () => this.request('GET', account), PATIENCE_MS);
    return own;
  }

  /** Runs the pods of a namespace that somebody else makes (helm, say), and deletes it in the end. */
  manage(namespace: string): void {
    this.#namespaces.add(namespace);
    this.#kubelet?.look();
  }

  /** An app of the tests, see appImage; those that run in process are found by {@link app}. */
  appImage(options: AppImageOptions = {}): Image {
    return appImage(options, {
      started: ({ pod }, app) => this.#apps.set(`${pod.metadata.namespace}/${pod.metadata.name}`, app),
      ended: ({ pod }) => this.#apps.delete(`${pod.metadata.namespace}/${pod.metadata.name}`),
    });
  }

  /** The app that runs in a pod. @throws Error when none does */
  app(namespace: string, pod: string): App {
    const app = this.#apps.get(`${namespace}/${pod}`);
    if (app === undefined)
      throw new Error(`no app runs in pod ${namespace}/${pod}; some do in ${[...this.#apps.keys()].join(', ')}`);
    return app;
  }

  /** Pods by their labels, those that are being deleted too. @param selector as `app=api` */
  async pods(namespace: string, selector = ''): Promise<readonly PodObject[]> {
    const query = `labelSelector=${encodeURIComponent(selector)}`;
    const list = await this.request<{ items: PodObject[] }>('GET', `/api/v1/namespaces/${namespace}/pods?${query}`);
    return list.items;
  }

  /** What a container has said so far. */
  podLog(namespace: string, pod: string, container: string): Promise<string> {
    return readFile(join(podFolder(this.folder), namespace, pod, `${container}.log`), 'utf8');
  }

  /** Waits until all pods of a Deployment are of its present template, and ready, and no others are there. */
  async rolledOut(namespace: string, name: string, timeoutMs = PATIENCE_MS): Promise<void> {
    const path = `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`;
    const isDone = async (): Promise<boolean> => {
      const { metadata, spec, status } = await this.request<Deployment>('GET', path);
      const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, availableReplicas = 0 } = status;
      const isSeen = observedGeneration >= metadata.generation;
      return isSeen && [replicas, updatedReplicas, availableReplicas].every((count) => count === spec.replicas);
    };
    await until(`Deployment ${namespace}/${name} to be rolled out`, isDone, timeoutMs);
  }

  /** Runs kubectl to its end, as `admin` unless told; its exit code is the caller's to judge. */
  kubectl(args: readonly string[], options: CallOptions = {}): Promise<Finished> {
    return this.#run('kubectl', args, options);
  }

  helm(args: readonly string[], options: CallOptions = {}): Promise<Finished> {
    return this.#run('helm', args, options);
  }

  /** `kubectl port-forward` to a pod, until it is disposed of. @throws Error with what kubectl says, when it may not */
  async portForward(namespace: string, pod: string, port: number, options: CallOptions = {}): Promise<PortForward> {
    return startPortForward({ namespace, pod, port, kubeconfig: await this.#kubeconfigOf(options) });
  }

  /** A kubeconfig of a ServiceAccount, which is made if it is not there: for tests of what a role allows. */
  async serviceAccountKubeconfig(namespace: string, name: string): Promise<string> {
    return this.kubeconfigFile(`${namespace}.${name}`, await this.serviceAccountToken(namespace, name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of this.#namespaces) {
      // The controllers empty it in their own time.
      await this.request('DELETE', `/api/v1/namespaces/${namespace}`).catch(ignoreMissing);
      await this.request('DELETE', `/api/v1/namespaces/${namespace}/pods?gracePeriodSeconds=0`).catch(ignoreMissing);
    }
    await this.#stack.disposeAsync();
    this.closeClients();
  }

  async #create(object: KubernetesObject): Promise<boolean> {
    try {
      await this.request('POST', '/api/v1/namespaces', object);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'AlreadyExists') return false;
      throw error;
    }
  }

  async #run(name: 'kubectl' | 'helm', args: readonly string[], options: CallOptions): Promise<Finished> {
    const { input = '', environment = {} } = options;
    return runClient(name, { args, kubeconfig: await this.#kubeconfigOf(options), input, environment });
  }

  async #kubeconfigOf({ user, kubeconfig }: CallOptions): Promise<string> {
    return kubeconfig ?? (await this.kubeconfigFile(user));
  }
}

export interface NamespaceOptions {
  readonly exact?: boolean;
  readonly labels?: Readonly<Record<string, string>>;
}

interface Deployment {
  readonly metadata: { readonly generation: number };
  readonly spec: { readonly replicas: number };
  readonly status: {
    readonly observedGeneration?: number;
    readonly replicas?: number;
    readonly updatedReplicas?: number;
    readonly availableReplicas?: number;
  };
}

/** @throws Error when the file does not run in test/cluster, or not in its network namespace. */
export async function openCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const cluster = new Cluster(inject('cluster'));
  try {
    await cluster.open(options);
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** Pod addresses that no other file has now. */
async function takeBlock(folder: string): Promise<{ readonly number: number; readonly folder: string }> {
  for (let number = 0; number < BLOCKS; number++) {
    const own = join(folder, `block-${number}`);
    const isTaken = await mkdir(own).then(
      () => false,
      () => true,
    );
    if (!isTaken) return { number, folder: own };
  }
  throw new Error(`all ${BLOCKS} blocks of pod addresses are taken`);
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}
