/** A real Envoy beside an app, as a team puts it into its Deployments. */
import type { Io } from '../../../src/cli/command.ts';
import { runEnvoy } from '../../../src/cli/envoy.ts';

export interface SidecarOptions {
  readonly namespace: string;
  /** `HOST:PORT` of the control planes. */
  readonly xds: string;
  /** By ports that the world connects to, the app's port on the pod's address. */
  readonly inbound?: Readonly<Record<number, number>>;
  /** On loopback, where the app sends its calls. */
  readonly outboundPort?: number;
}

/** Stand for what is only known in the pod; nothing else in a bootstrap is like them. */
const POD = 'name-of-the-pod';
const ADDRESS = '192.0.2.77';

/** A container `envoy`, whose inbound ports are named `http`. Kubernetes fills in which pod it is in. */
export async function sidecarContainer({ namespace, xds, inbound = {}, outboundPort }: SidecarOptions): Promise<object> {
  const ports = Object.entries(inbound);
  const bootstrap = await detourEnvoy([
    ...['--role', 'sidecar', '--node', `${namespace}/${POD}`, '--xds', xds, '--probes', '0.0.0.0:9902'],
    ...ports.flatMap(([port, app]) => ['--inbound', `${port}=${ADDRESS}:${app}`]),
    ...(outboundPort === undefined ? [] : ['--outbound', `127.0.0.1:${outboundPort}`]),
  ]);
  return {
    name: 'envoy',
    image: 'envoyproxy/envoy:distroless-v1.40.0',
    command: ['envoy'],
    args: [
      ...['--config-yaml', bootstrap.replaceAll(POD, '$(POD_NAME)').replaceAll(ADDRESS, '$(POD_IP)')],
      ...['--disable-hot-restart', '--log-level', 'warning'],
    ],
    env: [
      { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
      { name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
    ],
    ports: [...ports.map(([port]) => ({ name: 'http', containerPort: Number(port) })), { name: 'probes', containerPort: 9902 }],
    readinessProbe: { httpGet: { path: '/ready', port: 'probes' } },
  };
}

async function detourEnvoy(args: readonly string[]): Promise<string> {
  let [out, err] = ['', ''];
  const io: Io = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    environment: {},
  };
  if ((await runEnvoy(args, io)) !== 0) throw new Error(err);
  return out;
}
