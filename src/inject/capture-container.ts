/** The init step: it makes the pod's traffic go through the sidecar, and ends. */
import type { Excludes, ResourceSetting } from '../annotations/parse-sidecar.ts';
import { SIDECAR_PROBES_PORT } from '../model/capture.ts';
import { CAPTURE } from './names.ts';
import type { InjectSettings } from './settings.ts';
import { initResources } from './sidecar-resources.ts';

/** @param resources and uid of the sidecar. */
export function captureContainer(settings: InjectSettings, resources: ResourceSetting, uid: number, excludes: Excludes): object {
  return {
    name: CAPTURE,
    image: settings.captureImage,
    args: [
      ...['capture', '--uid', String(uid), '--probes-port', String(SIDECAR_PROBES_PORT)],
      ...flag('--exclude-outbound-ports', excludes.outboundPorts),
      ...flag('--exclude-outbound-cidrs', excludes.outboundCidrs),
      ...flag('--exclude-inbound-ports', excludes.inboundPorts),
    ],
    // Of which families, the pod itself knows.
    env: [{ name: 'DETOUR_POD_IPS', valueFrom: { fieldRef: { fieldPath: 'status.podIPs' } } }],
    resources: initResources(resources),
    securityContext: {
      // What it may is its own network, for as long as it runs.
      runAsUser: 0,
      runAsGroup: 0,
      runAsNonRoot: false,
      privileged: false,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'], add: ['NET_ADMIN', 'NET_RAW'] },
    },
  };
}

function flag(name: string, value: string | undefined): readonly string[] {
  return value === undefined ? [] : [name, value];
}
