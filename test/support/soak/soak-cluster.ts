/** A cluster of the soak: Services with hosts and pods, which come and go, behind an API server that fails now and then. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { FakeApiServer, sendStatus } from '../kubernetes/fake-api-server.ts';
import { StoredObjects } from '../kubernetes/stored-objects.ts';
import { detour, endpointSlice, pod, service } from '../world/objects.ts';

const NAMESPACE = 'shop';
const SERVICES = 12;
/** So many Services have a preview all the time. */
export const LASTING_PREVIEWS = 3;
/** As an API server lets them expire. */
const MAX_EVENTS = 200;
const RESOURCES = ['services', 'endpointslices', 'pods'] as const;

export class SoakCluster implements AsyncDisposable {
  readonly #api: FakeApiServer;
  readonly #store = new StoredObjects();
  readonly #folder: string;
  /** Of pods: no name comes twice. */
  #serial = 0;
  /** By Service: the slice beside the one that is always there. */
  readonly #extra = new Map<number, string>();
  readonly #previews: string[] = [];

  private constructor(api: FakeApiServer, folder: string) {
    this.#api = api;
    this.#folder = folder;
    api.fault = ({ method, path, watch, body }, response) => {
      const isObject = /\/(leases|events|deployments|replicasets)(\/|$)/.test(path);
      const isReplicas = path.includes('/namespaces/detour-system/pods');
      if (!isObject && !isReplicas && RESOURCES.some((name) => path.endsWith(`/${name}`)) && (watch || method === 'GET'))
        return false;
      const workload = /\/(?:deployments|replicasets)\/([^/]+)$/.exec(path)?.[1];
      if (workload !== undefined && method === 'GET') {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ metadata: { namespace: NAMESPACE, name: workload, uid: `uid-${workload}` } }));
        return true;
      }
      const isList = method === 'GET' && path.endsWith('s');
      void this.#store.answer({ method, path, isList, body }).then(([code, object]) => {
        if (object === undefined) sendStatus(response, code, 'no');
        else response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(object));
        this.#forgetOldEvents();
      });
      return true;
    };
  }

  static async start(): Promise<SoakCluster> {
    const cluster = new SoakCluster(await FakeApiServer.start(), await mkdtemp(join(tmpdir(), 'detour-soak-')));
    for (let index = 0; index < SERVICES; index += 1) {
      const [namespace, name] = [NAMESPACE, `svc-${index}`];
      const annotations = detour({ host: `${name}.example.com` });
      cluster.#api.put('services', service({ namespace, name, annotations, age: index }) as never);
      cluster.#api.put(
        'endpointslices',
        endpointSlice({ namespace, service: name, pod: `${name}-0`, port: 20_000 + index }) as never,
      );
    }
    for (let index = 0; index < LASTING_PREVIEWS; index += 1) cluster.#putPreview(`lasting-${index}`, index, {});
    return cluster;
  }

  /** Flags of `detour serve` that lead here. */
  async flags(): Promise<readonly string[]> {
    const kubeconfig = join(this.#folder, 'kubeconfig');
    const { server } = await this.#api.access.connect();
    const context = {
      'current-context': 'soak',
      contexts: [{ name: 'soak', context: { cluster: 'soak', user: 'soak' } }],
      clusters: [{ name: 'soak', cluster: { server: server.href } }],
      users: [{ name: 'soak', user: { token: 'soak' } }],
    };
    await writeFile(kubeconfig, stringify(context));
    return [
      '--source',
      'kubernetes',
      '--kubeconfig',
      kubeconfig,
      '--events',
      'on',
      '--delete-expired',
      'on',
      '--identity',
      'soak',
    ];
  }

  /** A pod of a Service comes, and the one that came before it goes. */
  replacePod(): void {
    this.#serial += 1;
    const index = this.#serial % SERVICES;
    const name = `svc-${index}`;
    this.#removeExtra(index);
    const spec = { namespace: NAMESPACE, service: name, pod: `${name}-${this.#serial}`, port: 30_000 + (this.#serial % 10_000) };
    this.#api.put('endpointslices', endpointSlice(spec) as never);
    this.#extra.set(index, `${name}-${spec.pod}`);
  }

  /** @param kind `mistaken`: with a rule that cannot be read. */
  addPreview(kind: 'good' | 'unwanted' | 'mistaken'): void {
    this.#serial += 1;
    const serial = this.#serial;
    const key = `${kind}-${serial}`;
    const match = kind === 'mistaken' ? 'x-user~=(' : `x-user=${kind}-${serial},baggage[team-${serial % 7}]=a`;
    this.#putPreview(key, serial % SERVICES, { match });
    this.#previews.push(key);
  }

  /** The oldest one. */
  removePreview(): void {
    const key = this.#previews.shift();
    if (key !== undefined) this.#api.remove('pods', NAMESPACE, key);
  }

  get previews(): number {
    return this.#previews.length;
  }

  /** @param how as {@link FakeApiServer.breakWatches}; `gone`: they have to list again. */
  disturb(how: 'end' | 'reset' | 'gone'): void {
    if (how === 'gone') this.#api.compact();
    for (const name of RESOURCES) this.#api.breakWatches(name, how === 'gone' ? 'reset' : how);
  }

  /** As it was in the beginning. */
  calm(): void {
    while (this.previews > 0) this.removePreview();
    for (const index of [...this.#extra.keys()]) this.#removeExtra(index);
    this.#api.requests.length = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#api[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #putPreview(key: string, index: number, annotations: Readonly<Record<string, string>>): void {
    const all = detour({ intercept: `svc-${index}`, ...annotations });
    // Pods of previews are named after their key, which names no other.
    const preview = pod({ namespace: NAMESPACE, name: key, key, annotations: all, deployment: key, port: 40_000 });
    this.#api.put('pods', preview as never);
  }

  #removeExtra(index: number): void {
    const slice = this.#extra.get(index);
    if (slice === undefined) return;
    this.#extra.delete(index);
    this.#api.remove('endpointslices', NAMESPACE, slice);
  }

  #forgetOldEvents(): void {
    const events = [...this.#store.byPath.keys()].filter((path) => path.includes('/events/'));
    for (const path of events.slice(0, Math.max(0, events.length - MAX_EVENTS))) this.#store.byPath.delete(path);
  }
}
