/** A collection of the API server, kept up to date: what stand-ins for kubelet and kube-proxy see of a cluster. */
import type { ApiAccess } from './api-access.ts';
import { isGone, type KubernetesObject } from './api-client.ts';
import type { Watch } from './watch.ts';

const AGAIN_MS = 100;

interface ObjectList {
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly KubernetesObject[];
}

/** @param object undefined: it was deleted */
export type Changed = (key: string, object: KubernetesObject | undefined) => void;

export class Followed implements AsyncDisposable {
  readonly #objects = new Map<string, KubernetesObject>();
  readonly #api: ApiAccess;
  readonly #path: string;
  readonly #changed: Changed;
  #watch: Watch | undefined;
  #loop: Promise<void> | undefined;
  #running = true;

  private constructor(api: ApiAccess, path: string, changed: Changed) {
    this.#api = api;
    this.#path = path;
    this.#changed = changed;
  }

  /** Returns once everything that is there was told. Keys are `namespace/name`. */
  static async start(api: ApiAccess, path: string, changed: Changed): Promise<Followed> {
    const followed = new Followed(api, path, changed);
    const version = await followed.#list();
    followed.#loop = followed.#follow(version);
    return followed;
  }

  get objects(): ReadonlyMap<string, KubernetesObject> {
    return this.#objects;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#running = false;
    await this.#watch?.[Symbol.asyncDispose]();
    await this.#loop;
  }

  async #follow(from: string): Promise<void> {
    let version: string | undefined = from;
    while (this.#running) {
      try {
        version ??= await this.#list();
        this.#watch = await this.#api.watch(this.#path, version, ({ type, object }) => {
          if (type === 'ERROR') version = undefined;
          else version = object.metadata.resourceVersion;
          if (type === 'DELETED') this.#put(keyOf(object), undefined);
          else if (type === 'ADDED' || type === 'MODIFIED') this.#put(keyOf(object), object);
        });
        if (this.#running) await this.#watch.untilEnd();
        else await this.#watch[Symbol.asyncDispose]();
      } catch (error) {
        // The server is away, or has forgotten what was before.
        if (isGone(error)) version = undefined;
        await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
      }
    }
  }

  async #list(): Promise<string> {
    const list = await this.#api.request<ObjectList>('GET', this.#path);
    const keys = new Set(list.items.map(keyOf));
    for (const key of this.#objects.keys()) if (!keys.has(key)) this.#put(key, undefined);
    for (const object of list.items) this.#put(keyOf(object), object);
    return list.metadata.resourceVersion;
  }

  #put(key: string, object: KubernetesObject | undefined): void {
    if (object === undefined) this.#objects.delete(key);
    else this.#objects.set(key, object);
    if (this.#running) this.#changed(key, object);
  }
}

function keyOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
