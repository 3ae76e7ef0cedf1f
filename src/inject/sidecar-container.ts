/** Envoy as a native sidecar: an init container that goes on running, and ends after the pod's own containers. */
import type { ResourceSetting } from '../annotations/parse-sidecar.ts';
import { bootstrap } from '../envoy-bootstrap.ts';
import { ANY_ADDRESS, SIDECAR_PROBES_PORT } from '../model/capture.ts';
import { nodeOf } from '../model/node.ts';
import { envoyCredentials, tokenMount } from './credentials.ts';
import { SIDECAR, SIDECAR_ADMIN_PORT } from './names.ts';
import type { InjectSettings } from './settings.ts';

export interface SidecarOptions {
  readonly image: string;
  readonly concurrency: number;
  readonly resources: ResourceSetting;
  readonly uid: number;
}

const ADMIN = { host: '127.0.0.1', port: SIDECAR_ADMIN_PORT };

export function sidecarContainer(settings: InjectSettings, options: SidecarOptions): object {
  const { image, concurrency, resources, uid } = options;
  const ready = { httpGet: { path: '/ready', port: SIDECAR_PROBES_PORT }, timeoutSeconds: 2 };
  return {
    name: SIDECAR,
    image,
    // Not what the image starts, which changes owners as root first.
    command: ['/usr/local/bin/envoy'],
    args: [
      ...['--config-yaml', escaped(JSON.stringify(ownBootstrap(settings)))],
      // Known in the pod only.
      ...['--service-node', 'sidecar~$(POD_NAMESPACE)/$(POD_NAME)', '--service-cluster', '$(POD_NAMESPACE)'],
      ...['--concurrency', String(concurrency)],
      // It would need shared memory; a pod has no second Envoy to hand over to.
      ...['--disable-hot-restart', '--log-level', 'warning'],
    ],
    restartPolicy: 'Always',
    env: [fieldOf('POD_NAME', 'metadata.name'), fieldOf('POD_NAMESPACE', 'metadata.namespace')],
    // The containers behind it start when it takes their traffic.
    startupProbe: { ...ready, periodSeconds: 1, failureThreshold: 300 },
    readinessProbe: { ...ready, periodSeconds: 5 },
    // At once when the pod is to end: connections are let go while the app is still there.
    lifecycle: { preStop: { httpGet: { path: '/drain', port: SIDECAR_PROBES_PORT } } },
    resources,
    securityContext: {
      runAsUser: uid,
      runAsGroup: uid,
      runAsNonRoot: true,
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    ...(settings.credentials && { volumeMounts: [tokenMount()] }),
  };
}

function ownBootstrap({ xds, credentials, ipFamilies, egress }: InjectSettings): object {
  const proxy = {
    role: 'sidecar',
    namespace: '',
    name: '',
    inbound: [],
    outbound: undefined,
    services: [],
    capture: ipFamilies,
    egress,
  } as const;
  // Kubelets ask at the pod's first address.
  const probes = { host: ANY_ADDRESS[ipFamilies[0] ?? 'ipv4'], port: SIDECAR_PROBES_PORT };
  const own = credentials && envoyCredentials(credentials);
  const config = bootstrap({ proxy, xds, admin: ADMIN, protocol: 'delta', probes, credentials: own });
  const { metadata } = nodeOf(proxy);
  return { ...config, node: { metadata } };
}

/** Kubernetes takes `$(NAME)` for a variable, and `$$` for a dollar sign. */
function escaped(text: string): string {
  return text.replaceAll('$', '$$$$');
}

function fieldOf(name: string, fieldPath: string): object {
  return { name, valueFrom: { fieldRef: { fieldPath } } };
}
