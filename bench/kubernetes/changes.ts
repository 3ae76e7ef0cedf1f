/** Single changes of a cluster, as kubelets, controllers and people make them. */
import type { ApiServer } from '../../test/support/kubernetes/api-server.ts';
import { NAMESPACE, podStatus, previewName, serviceName, slice } from './cluster-objects.ts';

export interface Change {
  /** The resource that gateways get because of it. */
  readonly resource: string;
  /** @returns the resourceVersion that it made. */
  readonly write: (server: ApiServer) => Promise<string>;
}

const PODS = `/api/v1/namespaces/${NAMESPACE}/pods`;
const SLICES = `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`;

async function apply(server: ApiServer, path: string, manager: string, object: object): Promise<string> {
  const stored = await server.request('PATCH', `${path}?fieldManager=${manager}&force=true`, object);
  return stored.metadata.resourceVersion ?? '';
}

/** A pod of the baseline comes or goes. @param endpoints how many the Service has then. */
export function endpointChange(index: number, endpoints: number): Change {
  const object = slice(index, { services: 0, previews: 0, hosts: 0, endpoints });
  const path = `${SLICES}/${object.metadata.name}`;
  return { resource: `${serviceName(index)}.${NAMESPACE}:80`, write: (server) => apply(server, path, 'controller', object) };
}

export function readinessChange(index: number, ready: boolean): Change {
  const metadata = { name: previewName(index), namespace: NAMESPACE };
  const object = { apiVersion: 'v1', kind: 'Pod', metadata, status: podStatus(index, ready) };
  const resource = `${serviceName(index)}.${NAMESPACE}:80/pr-${index}`;
  return { resource, write: (server) => apply(server, `${PODS}/${previewName(index)}/status`, 'kubelet', object) };
}

/** Another header rule: the shard of the Service's host is another one then. @param shard its name. */
export function ruleChange(index: number, user: string, shard: string): Change {
  const annotations = { 'detour.dev/match': `x-user=${user}` };
  const metadata = { name: previewName(index), namespace: NAMESPACE, annotations };
  const object = { apiVersion: 'v1', kind: 'Pod', metadata };
  return { resource: shard, write: (server) => apply(server, `${PODS}/${previewName(index)}`, 'developer', object) };
}
