/**
 * Pods as a node has them: a network namespace each, `detour capture` as the init step, a real Envoy as the sidecar, and
 * an app that starts when the sidecar is ready. `await using` ends all of it.
 */
import { bootstrap } from '../../../src/envoy-bootstrap.ts';
import { ANY_ADDRESS, SIDECAR_PROBES_PORT } from '../../../src/model/capture.ts';
import type { Egress } from '../../../src/model/egress.ts';
import { NODE_ADDRESS } from '../cluster/addresses.ts';
import { until } from '../until.ts';
import { type ControlPlane, startControlPlane } from '../world/control-plane.ts';
import { createManifests, type Manifests } from '../world/manifests.ts';
import type { Target } from './pod-agent.ts';
import { clusterIps, NODE_SIX, type PodAddresses, type PodNamespace, PodNetwork } from './pod-network.ts';
import { NAMESPACE, previewObject, serviceObject, sliceObjects } from './pod-objects.ts';
import { PORTS } from './pod-ports.ts';
import { AgentProcess, detourIn, type SidecarProcess, startSidecar } from './pod-process.ts';

export type Family = keyof PodAddresses;

export interface PodOptions {
  readonly service: string;
  /** `baseline`, or a preview's key. */
  readonly copy: string;
  readonly sidecar: boolean;
  /** Services that its app calls. */
  readonly calls?: readonly string[];
  /** Further arguments of `detour capture`. */
  readonly capture?: readonly string[];
  /** What is taken away from requests that leave the cluster. */
  readonly egress?: Egress;
  /** What it is told of the world around it. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Pod extends AsyncDisposable {
  readonly name: string;
  readonly options: PodOptions;
  readonly namespace: PodNamespace;
  readonly agent: AgentProcess;
  readonly sidecar: SidecarProcess | undefined;
}

export class Pods implements AsyncDisposable {
  readonly plane: ControlPlane;
  readonly manifests: Manifests;
  readonly network: PodNetwork;
  /** Of all pods, and of the ClusterIPs; the first one is that which is meant where nothing is said. */
  readonly families: readonly Family[];
  readonly #stack: AsyncDisposableStack;
  /** By Service, its endpoints. */
  readonly #endpoints = new Map<string, readonly Pod[]>();
  #names = 0;

  constructor(
    plane: ControlPlane,
    manifests: Manifests,
    network: PodNetwork,
    families: readonly Family[],
    stack: AsyncDisposableStack,
  ) {
    this.families = families;
    this.plane = plane;
    this.manifests = manifests;
    this.network = network;
    this.#stack = stack;
  }

  /** The ClusterIPs of a Service, which are there before the Service is. */
  clusterIps(service: string): PodAddresses {
    const both = clusterIps(['frontend', 'api', 'identity'].indexOf(service) + 1);
    return this.families.includes('ipv4') ? both : { ...both, ipv4: '' };
  }

  /** Where callers of a Service connect to. */
  at(service: string, port: keyof typeof PORTS = 'http', family: Family = this.#first): Target {
    return { address: this.clusterIps(service)[family], port: PORTS[port].service };
  }

  /** Where a pod itself is. */
  at1(pod: Pod, port: keyof typeof PORTS = 'http', family: Family = this.#first): Target {
    return { address: pod.namespace.addresses[family], port: PORTS[port].pod };
  }

  /** Starts one as a kubelet does; it serves nothing before {@link serve}. */
  async pod(options: PodOptions): Promise<Pod> {
    const stack = new AsyncDisposableStack();
    try {
      const { service, copy, calls = [], capture = [], environment = {} } = options;
      const name = `${service}-${copy}-${this.#names++}`;
      const namespace = stack.use(await this.network.pod());
      const ips = this.families.map((family) => namespace.addresses[family]).join(',');
      if (options.sidecar) await detourIn(namespace.path, ['capture', '--pod-ips', ips, ...capture], environment);
      const sidecar = options.sidecar
        ? stack.use(await startSidecar(namespace.path, this.#bootstrap(name, options.egress)))
        : undefined;
      if (sidecar !== undefined)
        await until(`the sidecar of ${name}: ${sidecar.said}`, () => isReady(namespace, sidecar), 60_000);
      const agent = stack.use(new AgentProcess(namespace.path));
      await agent.do('start', { service, copy, pod: name }, Object.fromEntries(calls.map((each) => [each, this.at(each)])));
      const dispose = stack.move();
      const pod: Pod = { name, options, namespace, agent, sidecar, [Symbol.asyncDispose]: () => dispose.disposeAsync() };
      return this.#stack.use(pod);
    } catch (error) {
      await stack.disposeAsync();
      throw error;
    }
  }

  /** These pods are what a Service has from now on, for the control plane and for callers. */
  async serve(service: string, pods: readonly Pod[]): Promise<void> {
    this.#endpoints.set(service, pods);
    const records = pods.map(({ name, namespace: { addresses } }) => ({ name, addresses, ready: true }));
    await this.manifests.put(serviceObject(service, this.clusterIps(service)), ...sliceObjects(service, records));
    await this.network.serve(
      [...this.#endpoints].map(([name, all]) => ({
        clusterIps: this.clusterIps(name),
        ports: Object.values(PORTS),
        endpoints: all.map(({ namespace: { addresses } }) => addresses),
      })),
    );
  }

  async preview(pod: Pod): Promise<void> {
    const { name, namespace, options } = pod;
    await this.manifests.put(previewObject({ name, addresses: namespace.addresses, ready: true }, options.service, options.copy));
  }

  /**
   * As a kubelet ends one, when nobody is sent to it any more: its sidecar's hook, its app, then the sidecar. The app stays
   * for the few seconds that it takes until its callers have let it go: so do those whose hook is a `sleep 5`.
   */
  async end(pod: Pod): Promise<void> {
    if (pod.sidecar !== undefined) {
      await this.drain(pod);
      const active = /^envoy_http_downstream_cx_active\{envoy_http_conn_manager_prefix="inbound"\} [1-9]/m;
      await until(`everybody to let go of ${pod.name}`, async () => !active.test(await metricsOf(pod)), 60_000);
    }
    await pod.agent.do('drain');
    await pod.sidecar?.stop();
    await pod[Symbol.asyncDispose]();
  }

  /** The hook of a pod's sidecar. */
  async drain(pod: Pod): Promise<void> {
    await fetch(`http://${hostOf(pod.namespace)}:${SIDECAR_PROBES_PORT}/drain`);
  }

  async noPreview(pod: Pod): Promise<void> {
    await this.manifests.remove('Pod', NAMESPACE, pod.name);
  }

  get #first(): Family {
    return this.families[0] ?? 'ipv4';
  }

  #bootstrap(name: string, egress: Egress | undefined): object {
    const capture = this.families;
    const proxy = {
      role: 'sidecar',
      namespace: NAMESPACE,
      name,
      inbound: [],
      outbound: undefined,
      services: [],
      capture,
      egress,
    } as const;
    return bootstrap({
      proxy,
      xds: [{ host: this.families.includes('ipv4') ? NODE_ADDRESS : NODE_SIX, port: this.plane.xdsPort }],
      admin: { host: '127.0.0.1', port: 15_000 },
      protocol: 'delta',
      probes: { host: ANY_ADDRESS[this.#first], port: SIDECAR_PROBES_PORT },
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

/** As a kubelet asks. */
async function isReady(namespace: PodNamespace, sidecar: SidecarProcess): Promise<boolean> {
  if (sidecar.exited) throw new Error(`Envoy ended: ${sidecar.said}`);
  const response = await fetch(`http://${hostOf(namespace)}:${SIDECAR_PROBES_PORT}/ready`);
  return response.ok && (await response.text()).startsWith('LIVE');
}

/** What a sidecar says of itself to Prometheus. */
export async function metricsOf({ namespace }: Pod): Promise<string> {
  return await (await fetch(`http://${hostOf(namespace)}:${SIDECAR_PROBES_PORT}/stats/prometheus`)).text();
}

/** As a URL has it. */
function hostOf({ addresses: { ipv4, ipv6 } }: PodNamespace): string {
  return ipv4 === '' ? `[${ipv6}]` : ipv4;
}

/** @param families that pods have; `ipv6` is always one of them */
export async function openPods(families: readonly Family[] = ['ipv4', 'ipv6']): Promise<Pods> {
  const stack = new AsyncDisposableStack();
  try {
    const hasFour = families.includes('ipv4');
    const network = await PodNetwork.open(hasFour);
    const manifests = stack.use(await createManifests());
    const plane = stack.use(
      await startControlPlane(manifests.folder, ['--plaintext', 'on'], hasFour ? NODE_ADDRESS : `[${NODE_SIX}]`),
    );
    return new Pods(plane, manifests, network, families, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
