/** The replicas of a control plane that runs in a cluster: its pods. */
import { isFailure } from '../kubernetes/api-client.ts';
import { type ApiSender, callForObject } from '../kubernetes/api-objects.ts';
import type { Failure } from '../kubernetes/failure.ts';
import { FieldReader, type Fields, isFields } from '../model/field-reader.ts';

export interface ReplicaPod {
  readonly name: string;
  readonly isReady: boolean;
  /** Of its admin endpoint. */
  readonly url: string;
}

/** What the pods of the control plane have. */
const SELECTOR = 'app.kubernetes.io/name=detour,app.kubernetes.io/component=control-plane';
const PORT_NAME = 'admin';

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
  const port = ports.flatMap((each) =>
    isFields(each) && each['name'] === PORT_NAME && typeof each['containerPort'] === 'number' ? [each['containerPort']] : [],
  )[0];
  if (ip === '' || port === undefined) return undefined;
  return { name, isReady, url: `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}` };
}
