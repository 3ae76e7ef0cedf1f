/**
 * A real Kubernetes API server over a real etcd, for a test: `await using api = await startApiServer()`. Nothing else of a
 * cluster runs: no controller makes EndpointSlices, no scheduler or kubelet touches Pods. The test writes what those would.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPart } from '../../../tools/kubernetes/find-part.ts';
import { ETCD_SERVER, KUBE_APISERVER, type KubernetesPart } from '../../../tools/kubernetes/parts.ts';
import { freePorts } from '../ports.ts';
import { ApiClient, type KubernetesObject } from './api-client.ts';
import { clearUpAfter } from './clear-up-after.ts';
import { ADMIN, type Credentials, type User, writeCredentials } from './credentials.ts';
import { ServerProcess } from './server-process.ts';
import type { Watch } from './watch.ts';

export interface ApiServerOptions {
  /** Users beside `admin`. They may do what roles that the test applies let them. */
  readonly users?: readonly User[];
}

interface Ports {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly api: number;
}

/** @throws Error that says what to do, when the programs are not there: tests build nothing themselves. */
async function programOf(part: KubernetesPart): Promise<string> {
  const found = await findPart(part, { assets: process.env['KUBEBUILDER_ASSETS'], path: process.env['PATH'] ?? '' });
  if (found !== undefined) return found;
  throw new Error(
    `There is no ${part.name} here. \`tools/run tools/test.ts get-kubernetes\` builds it once (with Go 1.26 or later); ` +
      'or set KUBEBUILDER_ASSETS to a folder with the programs kube-apiserver and etcd.',
  );
}

export class ApiServer implements AsyncDisposable {
  readonly port: number;
  readonly url: string;
  readonly #folder: string;
  readonly #ports: Ports;
  readonly #credentials: Credentials;
  /** The folder, and whatever else ends with the server. */
  readonly #belongings: AsyncDisposable;
  readonly #clients = new Map<string, ApiClient>();
  #etcd: ServerProcess | undefined;
  #server: ServerProcess | undefined;

  constructor(folder: string, ports: Ports, credentials: Credentials, belongings: AsyncDisposable) {
    this.#belongings = belongings;
    this.#folder = folder;
    this.#ports = ports;
    this.#credentials = credentials;
    this.port = ports.api;
    this.url = `https://127.0.0.1:${ports.api}`;
  }

  /** The certificate that clients trust, in PEM; the same over all starts. */
  get caFile(): string {
    return join(this.#folder, 'certificates', 'apiserver.crt');
  }

  /** Starts what does not run: the API server, and below it etcd. */
  async start(): Promise<void> {
    this.#etcd ??= await this.#startEtcd();
    this.#server ??= await this.#startServer();
  }

  /** The API server goes away at once; what it stored stays. `SIGTERM`: it ends its requests first. */
  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#server?.stop(signal);
    this.#server = undefined;
  }

  /** Starts again with nothing stored: other resource versions, smaller than those before. Users and certificate stay. */
  async wipe(): Promise<void> {
    await this.stop();
    await this.#etcd?.stop('SIGKILL');
    this.#etcd = undefined;
    await rm(join(this.#folder, 'data'), { recursive: true, force: true });
    await this.start();
  }

  /** @throws Error for a name that is neither `admin` nor among the users of the start. */
  token(user = ADMIN.name): string {
    const token = this.#credentials.tokens.get(user);
    if (token === undefined) throw new Error(`no user ${user}; there are ${[...this.#credentials.tokens.keys()].join(', ')}`);
    return token;
  }

  /** Makes the ServiceAccount if it is not there. `seconds`: how long the token is good for, 600 at the least. */
  async serviceAccountToken(namespace: string, name: string, seconds = 3600): Promise<string> {
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
    await this.apply([account]);
    const path = `${await this.#admin.pathOf(account)}/token`;
    const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: seconds } };
    const { status } = await this.request<{ status: { token: string } }>('POST', path, asked);
    return status.token;
  }

  /** A kubeconfig for a user's name; its text is JSON, which is YAML. */
  kubeconfig(user = ADMIN.name): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: this.url, 'certificate-authority': this.caFile } }],
      users: [{ name: user, user: { token: this.token(user) } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user } }],
      'current-context': 'test',
    });
  }

  /** The path of a file with that kubeconfig, for programs. */
  async kubeconfigFile(user = ADMIN.name): Promise<string> {
    const file = join(this.#folder, `${user}.kubeconfig`);
    await writeFile(file, this.kubeconfig(user), { mode: 0o600 });
    return file;
  }

  /** A client that shows this token: of a user, of a ServiceAccount, or none that is known. */
  async clientWith(token: string): Promise<ApiClient> {
    const known = this.#clients.get(token);
    if (known !== undefined) return known;
    const client = new ApiClient(this.url, await readFile(this.caFile, 'utf8'), token);
    this.#clients.set(token, client);
    return client;
  }

  /** What the server logged, over all of its starts. */
  log(): Promise<string> {
    return readFile(join(this.#folder, `${KUBE_APISERVER.name}.log`), 'utf8');
  }

  /** The following are `admin`'s; see ApiClient. */
  request<T = KubernetesObject>(method: string, path: string, body?: object): Promise<T> {
    return this.#admin.request<T>(method, path, body);
  }

  apply(objects: readonly KubernetesObject[]): Promise<KubernetesObject[]> {
    return this.#admin.apply(objects);
  }

  delete(objects: readonly KubernetesObject[]): Promise<void> {
    return this.#admin.delete(objects);
  }

  watch(path: string, resourceVersion?: string): Promise<Watch> {
    return this.#admin.watch(path, resourceVersion);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    await this.stop();
    await this.#etcd?.stop('SIGKILL');
    this.#etcd = undefined;
    await this.#belongings[Symbol.asyncDispose]();
  }

  get #admin(): ApiClient {
    const client = this.#clients.get(this.token());
    if (client === undefined) throw new Error('the API server was never started');
    return client;
  }

  async #startEtcd(): Promise<ServerProcess> {
    const client = `http://127.0.0.1:${this.#ports.etcd}`;
    const peer = `http://127.0.0.1:${this.#ports.etcdPeer}`;
    const flags = [
      ...[`--data-dir=${join(this.#folder, 'data')}`, '--log-level=warn', '--name=test'],
      ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
      ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=test=${peer}`],
      // Nothing of a test has to outlive a power cut.
      '--unsafe-no-fsync',
    ];
    const ready = async (): Promise<boolean> => (await fetch(`${client}/readyz`)).ok;
    return ServerProcess.start(await programOf(ETCD_SERVER), flags, this.#folder, ready);
  }

  async #startServer(): Promise<ServerProcess> {
    const flags = [
      `--etcd-servers=http://127.0.0.1:${this.#ports.etcd}`,
      ...['--bind-address=127.0.0.1', `--secure-port=${this.#ports.api}`, '--advertise-address=127.0.0.1'],
      `--cert-dir=${join(this.#folder, 'certificates')}`,
      ...this.#credentials.flags,
      '--authorization-mode=RBAC',
      // It would wait for a controller that makes each namespace's default account.
      '--disable-admission-plugins=ServiceAccount',
      '--service-cluster-ip-range=10.96.0.0/16',
      // It would publish the server's own address, which must not be a loopback one.
      '--endpoint-reconciler-type=none',
      '--profiling=false',
    ];
    const ready = async (): Promise<boolean> => {
      const admin = await this.clientWith(this.token());
      await admin.text('/readyz');
      // The server makes it itself, a moment after it is ready.
      return (await admin.request('GET', '/api/v1/namespaces/default')).kind === 'Namespace';
    };
    return ServerProcess.start(await programOf(KUBE_APISERVER), flags, this.#folder, ready);
  }
}

/** Starts both and waits until they answer. Everything on 127.0.0.1, on ports of its own, in a folder of its own. */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'detour-kubernetes-'));
  await using stack = new AsyncDisposableStack();
  stack.use(clearUpAfter(folder));
  const [etcd, etcdPeer, api] = await freePorts(3);
  if (etcd === undefined || etcdPeer === undefined || api === undefined) throw new Error('three ports were asked for');
  const credentials = await writeCredentials(folder, options.users ?? []);
  const server = new ApiServer(folder, { etcd, etcdPeer, api }, credentials, stack.move());
  try {
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}
