/** The application of the tests as an image: in process, or, beside a real program in one pod, in a process of its own. */
import { appendFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { type App, type AppOptions, type Link, startApp } from '../world/app.ts';
import type { ContainerRun, Image, RunningContainer } from './image.ts';
import { startProcess } from './program-image.ts';
import type { ServiceObject } from './service-objects.ts';

const CHILD = fileURLToPath(new URL('./app-child.ts', import.meta.url));

export interface AppImageOptions extends Pick<AppOptions, 'protocol'> {
  /** The label `app` of the pod unless told. */
  readonly service?: string;
  /**
   * Services that it calls: `/<link>/rest` is passed on as `/rest`. By link, `service[.namespace][:port]`; in the pod's
   * namespace and with the Service's first port unless told.
   */
  readonly links?: Readonly<Record<string, string>>;
  /** Where it sends its calls in a pod of real programs, instead of to ClusterIPs: a sidecar listens there, on loopback. */
  readonly outboundPort?: number;
}

/** Told of apps that run in process. */
export interface AppObserver {
  started(run: ContainerRun, app: App): void;
  ended(run: ContainerRun): void;
}

/**
 * It answers on the container's first port (8080 without one). Its copy is the pod's key, or `baseline`, and `pod` is the
 * pod's name. At the end it takes no new connection and finishes what runs.
 */
export function appImage(options: AppImageOptions = {}, observer?: AppObserver): Image {
  return {
    isProgram: false,
    async start(run) {
      const appOptions = await optionsOf(run, options);
      if (run.sandbox.process !== undefined) {
        const environment = { ...run.environment, APP_OPTIONS: JSON.stringify(appOptions) };
        return startProcess({ ...run, environment }, [process.execPath, CHILD]);
      }
      const app = await startApp(appOptions);
      await appendFile(run.logFile, `listens on ${app.address}\n`);
      observer?.started(run, app);
      return inProcess(app, () => observer?.ended(run));
    },
  };
}

function inProcess(app: App, ended: () => void): RunningContainer {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let ending: Promise<void> | undefined;
  const finish = (work: Promise<void>, code: number): void => {
    work.then(() => {
      ended();
      resolve(code);
    }, reject);
  };
  return {
    ended: promise,
    end(signal) {
      if (signal === 'SIGKILL') finish(app.die(), 137);
      else if (ending === undefined) {
        ending = app.drain();
        finish(ending, 0);
      }
    },
    async exec(command) {
      throw new Error(`nothing can be run beside an app in process: ${command.join(' ')}`);
    },
  };
}

async function optionsOf(
  run: ContainerRun,
  { service, protocol, links = {}, outboundPort }: AppImageOptions,
): Promise<AppOptions> {
  const { name, labels = {} } = run.pod.metadata;
  const port = run.sandbox.process === undefined ? undefined : outboundPort;
  const resolve = async (to: string): Promise<Link> => (port === undefined ? linkTo(run, to) : { port, host: to });
  const resolved = await Promise.all(Object.entries(links).map(async ([link, to]) => [link, await resolve(to)] as const));
  return {
    service: service ?? labels['app'] ?? name,
    copy: labels['detour.dev/preview'] ?? 'baseline',
    pod: name,
    address: run.sandbox.address,
    port: run.container.ports?.[0]?.containerPort ?? 8080,
    links: Object.fromEntries(resolved),
    ...(protocol === undefined ? {} : { protocol }),
  };
}

/** @throws Error when the Service is not there yet: the container is started again. */
async function linkTo({ api, pod }: ContainerRun, to: string): Promise<Link> {
  const [host = '', port] = to.split(':');
  const [name, namespace = pod.metadata.namespace] = host.split('.');
  const found = await api.request('GET', `/api/v1/namespaces/${namespace}/services/${name}`);
  const { clusterIP, ports = [] } = (found as unknown as ServiceObject).spec;
  if (clusterIP === undefined || clusterIP === 'None') throw new Error(`Service ${host} has no ClusterIP to call`);
  return { address: clusterIP, port: port === undefined ? (ports[0]?.port ?? 80) : Number(port), host: to };
}
