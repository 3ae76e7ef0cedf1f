/** The replicas of a control plane that runs in a cluster: its pods. */
import { isFailure } from '../kubernetes/api-client.ts';
import { type ApiSender, callForObject } from '../kubernetes/api-objects.ts';
import type { Failure } from '../kubernetes/failure.ts';
import { FieldReader, type Fields, isFields } from '../model/field-reader.ts';

export interface ReplicaPod {
  readonly name: string;
  readonly isReady: boolean;
  /** Where replicas ask it. */
  readonly url: string;
  /** All that its pod has. */
  readonly addresses: readonly string[];
}

/** What the pods of the control plane have. */
const SELECTOR = 'app.kubernetes.io/name=detour,app.kubernetes.io/component=control-plane';
/** Where others than its own machine may ask; one that has none shows everything on the other. */
const PORT_NAMES = ['health', 'admin'];

/** Those that have an address. */
export async function listReplicaPods(
  sender: ApiSender,
  namespace: string,
  signal: AbortSignal,
): Promise<readonly ReplicaPod[] | Failure> {
  const pods = await callForObject(sender, {
    method: 'GET',
    path: `/api/v1/namespaces/${namespace}/pods`,
    query: { labelSelector: SELECTOR },
    resource: 'pods',
    signal,
  });
  if (isFailure(pods)) return pods;
  const items = Array.isArray(pods['items']) ? pods['items'] : [];
  return items.flatMap((pod) => (isFields(pod) ? (replicaOf(pod) ?? []) : []));
}

function replicaOf(pod: Fields): ReplicaPod | undefined {
  const read = new FieldReader();
  const status = read.map(pod['status'], 'status');
  const name = read.text(read.map(pod['metadata'], 'metadata')['name'], 'metadata.name');
  const ip = read.text(status['podIP'], 'status.podIP');
  const isReady = read
    .list(status['conditions'], 'status.conditions')
    .some((condition) => isFields(condition) && condition['type'] === 'Ready' && condition['status'] === 'True');
  const ports = read
    .list(read.map(pod['spec'], 'spec')['containers'], 'spec.containers')
    .flatMap((container) => (isFields(container) ? read.list(container['ports'], 'ports') : []));
  const port = PORT_NAMES.flatMap((wanted) =>
    ports.flatMap((each) =>
      isFields(each) && each['name'] === wanted && typeof each['containerPort'] === 'number' ? [each['containerPort']] : [],
    ),
  )[0];
  if (ip === '' || port === undefined) return undefined;
  const others = read
    .list(status['podIPs'], 'status.podIPs')
    .flatMap((each) => (isFields(each) ? [read.text(each['ip'], 'ip')] : []));
  const url = `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
  return { name, isReady, url, addresses: [...new Set([ip, ...others])] };
}
