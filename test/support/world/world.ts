/**
 * A small cluster on loopback: manifests in a directory, the control plane as a process, apps in process, and real
 * Envoys started from the real bootstrap. `await using` ends all of it.
 */
import type { InterceptReport } from '../../../src/admin/intercept-report.ts';
import { bootstrap } from '../../../src/envoy-bootstrap.ts';
import type { CarrierPolicy } from '../../../src/model/carriers.ts';
import type { EnvoyProxy } from '../../../src/model/node.ts';
import type { Problem } from '../../../src/model/problem.ts';
import type { SocketAddress } from '../../../src/model/proxy.ts';
import type { ProxyStatus } from '../../../src/xds/proxy-status.ts';
import { type EnvoyProcess, startEnvoy } from '../envoy.ts';
import { freePort, freePorts } from '../ports.ts';
import { until } from '../until.ts';
import { type App, type AppOptions, startApp } from './app.ts';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { createManifests, type Manifests } from './manifests.ts';
import { detour, type EndpointSpec, endpointSlice, pod, type ServiceSpec, service, sliceName } from './objects.ts';

export const NAMESPACE = 'shop';

export interface WorldOptions {
  /** Further arguments of `detour serve`. */
  readonly serve?: readonly string[];
  /** What Envoys speak; delta unless told. */
  readonly protocol?: 'delta' | 'sotw';
  /** Version of the Envoys; the one that everything runs on unless told. */
  readonly envoyVersion?: string;
  /** Control planes; one unless told. Every Envoy knows the addresses of all. */
  readonly replicas?: number;
}

export interface GatewayOptions {
  readonly previewDomain?: string;
  readonly corsOrigins?: readonly string[];
  readonly carriers?: CarrierPolicy;
}

/** An Envoy and the ports that it serves. */
export interface Proxy {
  readonly envoy: EnvoyProcess;
  /** Gateway: its listener. Sidecar: the inbound port, 0 without one. */
  readonly port: number;
  /** Sidecar: the outbound port, 0 without one. */
  readonly outbound: number;
}

export interface PodOptions extends Pick<AppOptions, 'protocol'> {
  readonly service: string;
  readonly copy: string;
  readonly pod: string;
  readonly namespace?: string;
  /** With an Envoy of its own, through which it is reached and calls. */
  readonly sidecar?: boolean;
  /** Services that the app calls, by their names. */
  readonly calls?: readonly string[];
}

/** A pod as manifests know it. */
export interface PodIdentity {
  readonly name: string;
  readonly namespace: string;
  readonly service: string;
  /** Where the world reaches it. */
  readonly port: number;
}

/** A pod: an app, and perhaps its sidecar. */
export interface Pod extends PodIdentity {
  readonly copy: string;
  readonly app: App;
  readonly sidecar: Proxy | undefined;
}

export interface PreviewOptions {
  readonly key: string;
  readonly pods: readonly PodIdentity[];
  /** Names without `detour.dev/`; `intercept` is the pods' own Service unless told. */
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ready?: boolean;
  readonly leaving?: boolean;
  /** The Deployment that owns the pods; `<service>-<key>` unless told. */
  readonly deployment?: string;
}

export class World implements AsyncDisposable {
  readonly manifests: Manifests;
  readonly planes: readonly ControlPlane[];
  readonly #options: WorldOptions;
  readonly #stack: AsyncDisposableStack;
  #markers = 0;

  constructor(manifests: Manifests, planes: readonly ControlPlane[], options: WorldOptions, stack: AsyncDisposableStack) {
    this.manifests = manifests;
    this.planes = planes;
    this.#options = options;
    this.#stack = stack;
  }

  /** The control plane, where there is one. */
  get plane(): ControlPlane {
    const [plane] = this.planes;
    if (plane === undefined) throw new Error('A world has a control plane.');
    return plane;
  }

  /** An app without an Envoy, ended with the world. */
  async app(options: AppOptions): Promise<App> {
    return this.#stack.use(await startApp(options));
  }

  use<T extends AsyncDisposable | Disposable>(thing: T): T {
    return this.#stack.use(thing);
  }

  async gateway(options: GatewayOptions = {}): Promise<Proxy> {
    const listen = { host: '127.0.0.1', port: await freePort() };
    const { previewDomain, corsOrigins = [], carriers } = options;
    const own = { listen, previewDomain, corsOrigins, carriers };
    const envoy = await this.envoy({ role: 'gateway', namespace: NAMESPACE, name: 'edge', ...own });
    return { envoy, port: listen.port, outbound: 0 };
  }

  /** @param app where the app listens; undefined for a pod that only calls. */
  async sidecar(pod: Pick<PodIdentity, 'namespace' | 'name'>, app: number | undefined): Promise<Proxy> {
    const [port = 0, outbound = 0] = await freePorts(2);
    const local = (of: number): SocketAddress => ({ host: '127.0.0.1', port: of });
    const inbound = app === undefined ? [] : [{ listen: local(port), app: local(app) }];
    const { namespace, name } = pod;
    const envoy = await this.envoy({ role: 'sidecar', namespace, name, inbound, outbound: local(outbound), services: [] });
    return { envoy, port: app === undefined ? 0 : port, outbound };
  }

  async pod(options: PodOptions): Promise<Pod> {
    const { service, copy, pod, namespace = NAMESPACE, calls = [] } = options;
    const app = await this.app(options);
    const sidecar = options.sidecar === true ? await this.sidecar({ namespace, name: pod }, app.port) : undefined;
    if (sidecar !== undefined)
      app.links = Object.fromEntries(calls.map((name) => [name, { port: sidecar.outbound, host: `${name}.${namespace}` }]));
    return { name: pod, namespace, service, copy, app, sidecar, port: sidecar?.port ?? app.port };
  }

  /** Writes a Service and the slices of its pods. */
  async baseline(spec: Omit<ServiceSpec, 'namespace'>, pods: readonly PodIdentity[], namespace = NAMESPACE): Promise<void> {
    // The Service comes last: it is never there without its pods, as it would be for a moment.
    for (const each of pods) await this.endpoint(each, spec.name, spec.portName === undefined ? {} : { portName: spec.portName });
    await this.manifests.put(service({ namespace, ...spec }));
  }

  async endpoint(
    of: PodIdentity,
    serviceName = of.service,
    more: Pick<EndpointSpec, 'ready' | 'terminating' | 'portName'> = {},
  ): Promise<void> {
    const { namespace, name, port } = of;
    await this.manifests.put(endpointSlice({ namespace, service: serviceName, pod: name, port, ...more }));
  }

  async noEndpoint(of: PodIdentity, serviceName = of.service): Promise<void> {
    await this.manifests.remove('EndpointSlice', of.namespace, sliceName({ service: serviceName, pod: of.name }));
  }

  /** Waits until the main thread of none of these Envoys knows the pod any more. */
  async letGo(proxies: readonly Proxy[], { name, port }: PodIdentity): Promise<void> {
    const hasGone = async (): Promise<boolean> => {
      const lists = await Promise.all(proxies.map(({ envoy }) => envoy.admin('/clusters')));
      return lists.every((list) => !list.includes(`127.0.0.1:${port}::`));
    };
    await until(`every Envoy to have let go of ${name}`, hasGone, 30_000);
  }

  /** Writes the pods of a preview: all that a user does. */
  async preview({ key, pods, annotations = {}, ...rest }: PreviewOptions): Promise<void> {
    for (const { namespace, name, service: target, port } of pods) {
      const all = detour({ intercept: target, ...annotations });
      await this.manifests.put(pod({ namespace, name, key, annotations: all, deployment: `${target}-${key}`, port, ...rest }));
    }
  }

  /**
   * The pods of a preview come as a kubelet has it: they are ready when their sidecars know them. A connection from before
   * that is passed through as it is for as long as it lives.
   */
  async arrive(options: PreviewOptions & { readonly pods: readonly Pod[] }): Promise<void> {
    await this.preview({ ...options, ready: false });
    await this.atHome(options.pods);
    await this.preview(options);
  }

  async noPreview(pods: readonly PodIdentity[]): Promise<void> {
    for (const { namespace, name } of pods) await this.manifests.remove('Pod', namespace, name);
  }

  /** What a control plane knows of intercepts; the first one, unless told. */
  async intercepts(plane = this.plane): Promise<readonly InterceptReport[]> {
    // The admin endpoint answers with exactly this.
    return (JSON.parse(await plane.admin('/api/intercepts')) as { readonly intercepts: readonly InterceptReport[] }).intercepts;
  }

  async problems(): Promise<readonly Problem[]> {
    return (JSON.parse(await this.plane.admin('/api/problems')) as { readonly problems: readonly Problem[] }).problems;
  }

  /** Waits until the control plane has read what was written before. */
  async read(): Promise<void> {
    // An annotation that does not exist is a problem that names the object.
    const name = `marker-${this.#markers++}`;
    await this.manifests.put(service({ namespace: NAMESPACE, name, annotations: detour({ marker: '' }) }));
    await until('the manifests to be read', async () =>
      (await this.problems()).some(({ subject }) => subject.key === `${NAMESPACE}/${name}`),
    );
    await this.manifests.remove('Service', NAMESPACE, name);
  }

  /** Waits until the sidecar of each pod that has one knows what the pod serves; before, it passes bytes as they are. */
  async atHome(pods: readonly Pod[]): Promise<void> {
    for (const { name, sidecar } of pods) {
      if (sidecar === undefined) continue;
      // The listener is there when its RouteConfiguration is.
      await until(`the sidecar of ${name} to know its pod`, async () =>
        (await sidecar.envoy.admin('/config_dump?resource=dynamic_route_configs')).includes(
          `"inbound/127.0.0.1:${sidecar.port}"`,
        ),
      );
    }
  }

  /** `node.id` of every connected Envoy, sorted; of all control planes that run, unless told. */
  async proxies(planes = this.#running): Promise<readonly string[]> {
    const lists = planes.map(async (plane) => {
      const { proxies } = JSON.parse(await plane.admin('/api/proxies')) as { readonly proxies: readonly ProxyStatus[] };
      return proxies.map(({ id }) => id);
    });
    return (await Promise.all(lists)).flat().toSorted();
  }

  /** Waits for the receipt: every Envoy that needs an intercept like this has taken it over, whichever replica serves it. */
  live(what: string, is: (report: InterceptReport) => boolean, timeoutMs = 15_000): Promise<InterceptReport> {
    return until(
      `the receipt of ${what}`,
      async () => {
        const reports = await Promise.all(this.#running.map(async (plane) => (await this.intercepts(plane)).find(is)));
        if (!reports.every((each) => each?.receipt.state === 'live' || each?.receipt.state === 'noProxy')) return undefined;
        return reports.find((each) => each?.receipt.state === 'live');
      },
      timeoutMs,
    );
  }

  get #running(): readonly ControlPlane[] {
    return this.planes.filter(({ exited }) => !exited);
  }

  /** Starts an Envoy and waits until it has its first configuration. */
  async envoy(proxy: EnvoyProxy, change: (config: object) => object = (config) => config): Promise<EnvoyProcess> {
    const xds = this.planes.map(({ xdsPort }) => ({ host: '127.0.0.1', port: xdsPort }));
    // The admin address is the test harness's own.
    const { protocol = 'delta', envoyVersion: version } = this.#options;
    const config = bootstrap({ proxy, xds, admin: { host: '127.0.0.1', port: 0 }, protocol });
    const options = { config: change(config), ...(version === undefined ? {} : { version }) };
    const envoy = this.#stack.use(await startEnvoy(options));
    await until('Envoy to have its first configuration', async () => (await envoy.admin('/ready')).startsWith('LIVE'));
    return envoy;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const stack = new AsyncDisposableStack();
  try {
    const manifests = stack.use(await createManifests());
    const planes: ControlPlane[] = [];
    for (let index = 0; index < (options.replicas ?? 1); index++)
      planes.push(stack.use(await startControlPlane(manifests.folder, options.serve)));
    return new World(manifests, planes, options, stack);
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
