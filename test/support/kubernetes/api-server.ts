/**
 * A real Kubernetes API server over a real etcd, for a test: `await using api = await startApiServer()`. Nothing else of a
 * cluster runs: no controller makes EndpointSlices, no scheduler or kubelet touches Pods. The test writes what those would.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPart } from '../../../tools/kubernetes/find-part.ts';
import { ETCD_SERVER, KUBE_APISERVER, type KubernetesPart } from '../../../tools/kubernetes/parts.ts';
import { freePorts } from '../ports.ts';
import { ApiAccess, type ApiAddress } from './api-access.ts';
import { clearUpAfter } from './clear-up-after.ts';
import { type Credentials, type User, writeCredentials } from './credentials.ts';
import { ServerProcess } from './server-process.ts';

export interface ApiServerOptions {
  /** Users beside `admin`. They may do what roles that the test applies let them. */
  readonly users?: readonly User[];
  /**
   * Where it serves, 127.0.0.1 unless told. At another address it is one of a cluster: it publishes itself as the Service
   * `kubernetes`, and Pods need a ServiceAccount, so that somebody has to start a controller manager.
   */
  readonly address?: string;
  /** Further ones of kube-apiserver. */
  readonly flags?: readonly string[];
}

interface Ports {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly api: number;
}

interface Place {
  readonly folder: string;
  readonly ports: Ports;
}

const LOOPBACK = '127.0.0.1';

/** What a server without controllers must not do. */
const ALONE = [
  // It would wait for a controller that makes each namespace's default account.
  '--disable-admission-plugins=ServiceAccount',
  // It would publish the server's own address, which must not be a loopback one.
  '--endpoint-reconciler-type=none',
];

/** @throws Error that says what to do, when the programs are not there: tests build nothing themselves. */
export async function programOf(part: KubernetesPart): Promise<string> {
  const found = await findPart(part, { assets: process.env['KUBEBUILDER_ASSETS'], path: process.env['PATH'] ?? '' });
  if (found !== undefined) return found;
  throw new Error(
    `There is no ${part.name} here. \`tools/run tools/test.ts get-kubernetes\` builds it once (with Go 1.26 or later); ` +
      'or set KUBEBUILDER_ASSETS to a folder with the programs kube-apiserver and etcd.',
  );
}

export class ApiServer extends ApiAccess implements AsyncDisposable {
  /** As data, for ApiAccess in other processes. */
  readonly address: ApiAddress;
  readonly #options: ApiServerOptions;
  readonly #ports: Ports;
  readonly #credentials: Credentials;
  /** The folder, and whatever else ends with the server. */
  readonly #belongings: AsyncDisposable;
  #etcd: ServerProcess | undefined;
  #server: ServerProcess | undefined;

  constructor(place: Place, credentials: Credentials, options: ApiServerOptions, belongings: AsyncDisposable) {
    const { folder, ports } = place;
    const address = {
      url: `https://${options.address ?? LOOPBACK}:${ports.api}`,
      caFile: join(folder, 'certificates', 'apiserver.crt'),
      tokens: Object.fromEntries(credentials.tokens),
      folder,
    };
    super(address);
    this.address = address;
    this.#options = options;
    this.#belongings = belongings;
    this.#ports = ports;
    this.#credentials = credentials;
  }

  get port(): number {
    return this.#ports.api;
  }

  /** Signs ServiceAccounts' tokens; controllers want it. */
  get accountKeyFile(): string {
    return this.#credentials.accountKeyFile;
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
    await rm(join(this.folder, 'data'), { recursive: true, force: true });
    await this.start();
  }

  /** What the server logged, over all of its starts. */
  log(): Promise<string> {
    return readFile(join(this.folder, `${KUBE_APISERVER.name}.log`), 'utf8');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.closeClients();
    await this.stop();
    await this.#etcd?.stop('SIGKILL');
    this.#etcd = undefined;
    await this.#belongings[Symbol.asyncDispose]();
  }

  async #startEtcd(): Promise<ServerProcess> {
    const client = `http://127.0.0.1:${this.#ports.etcd}`;
    const peer = `http://127.0.0.1:${this.#ports.etcdPeer}`;
    const flags = [
      ...[`--data-dir=${join(this.folder, 'data')}`, '--log-level=warn', '--name=test'],
      ...[`--listen-client-urls=${client}`, `--advertise-client-urls=${client}`],
      ...[`--listen-peer-urls=${peer}`, `--initial-advertise-peer-urls=${peer}`, `--initial-cluster=test=${peer}`],
      // Nothing of a test has to outlive a power cut.
      '--unsafe-no-fsync',
    ];
    const ready = async (): Promise<boolean> => (await fetch(`${client}/readyz`)).ok;
    return ServerProcess.start(await programOf(ETCD_SERVER), flags, this.folder, ready);
  }

  async #startServer(): Promise<ServerProcess> {
    const host = this.#options.address ?? LOOPBACK;
    const flags = [
      `--etcd-servers=http://127.0.0.1:${this.#ports.etcd}`,
      ...[`--bind-address=${host}`, `--secure-port=${this.#ports.api}`, `--advertise-address=${host}`],
      `--cert-dir=${join(this.folder, 'certificates')}`,
      ...this.#credentials.flags,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.96.0.0/16',
      ...(host === LOOPBACK ? ALONE : []),
      '--profiling=false',
      ...(this.#options.flags ?? []),
    ];
    const ready = async (): Promise<boolean> => {
      const admin = await this.clientWith(this.token());
      await admin.text('/readyz');
      // The server makes it itself, a moment after it is ready.
      return (await admin.request('GET', '/api/v1/namespaces/default')).kind === 'Namespace';
    };
    return ServerProcess.start(await programOf(KUBE_APISERVER), flags, this.folder, ready);
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
  const server = new ApiServer({ folder, ports: { etcd, etcdPeer, api } }, credentials, options, stack.move());
  try {
    await server.start();
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}
