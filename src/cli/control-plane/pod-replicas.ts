/** Replicas that run in the cluster: its ready pods, by port-forwards through the API server. */
import { isFailure } from '../../kubernetes/api-client.ts';
import type { ApiObject } from '../../kubernetes/api-objects.ts';
import type { Failure } from '../../kubernetes/failure.ts';
import { fetchFromPod } from '../../kubernetes/fetch-from-pod.ts';
import type { PodAddress } from '../../kubernetes/port-forward.ts';
import { FieldReader } from '../../model/field-reader.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { type Trouble, troubleOf } from '../trouble.ts';
import { parseAnswer, type Replica } from './replica.ts';

const SELECTOR = 'app.kubernetes.io/name=detour,app.kubernetes.io/component=control-plane';
const PORT_NAME = 'admin';
const ADMIN_PORT = 19_000;
const OR_SERVER = 'or give --server URL';

/** @param namespace where the control plane runs */
export async function podReplicas(cluster: Cluster, namespace: string): Promise<readonly Replica[] | Trouble> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const pods = await cluster.list(path, { resource: 'pods', query: { labelSelector: SELECTOR } });
  if (isFailure(pods)) return rightsTrouble(pods, 'cannot find the control plane', 'list pods', namespace);
  const ready = pods.flatMap((pod) => readyPod(pod, namespace) ?? []);
  if (ready.length > 0) return ready.map((pod) => replicaOf(cluster, pod));
  const trouble =
    pods.length === 0
      ? `there is no control plane in namespace ${namespace} (no pods with ${SELECTOR})`
      : `the control plane in namespace ${namespace} is not ready (${pods.length} ${pods.length === 1 ? 'pod' : 'pods'})`;
  const hint =
    pods.length === 0
      ? `install it, name its namespace with --system-namespace, ${OR_SERVER}`
      : `\`kubectl -n ${namespace} get pods\` tells more`;
  return { trouble, hint, mayPass: pods.length > 0 };
}

function replicaOf(cluster: Cluster, pod: PodAddress): Replica {
  const name = `pod ${pod.namespace}/${pod.pod}`;
  return {
    name,
    async get(path) {
      const answer = await fetchFromPod(cluster.access, pod, path, new AbortController().signal);
      if (isFailure(answer)) {
        const trouble = rightsTrouble(answer, `cannot ask ${name}`, 'get and create pods/portforward', pod.namespace);
        // The pod may have gone since it was listed.
        return { ...trouble, mayPass: answer.status !== 401 && answer.status !== 403 };
      }
      return parseAnswer(name, answer.status, answer.body);
    },
  };
}

function rightsTrouble(failure: Failure, doing: string, right: string, namespace: string): Trouble {
  if (failure.status !== 403) return troubleOf(failure, doing);
  return {
    trouble: `${doing}: you may not ${right} in namespace ${namespace} (${failure.reason})`,
    hint: `the Role detour-user there has that right: have yourself bound to it, ${OR_SERVER}`,
  };
}

/** undefined: it is not ready, or ends. */
function readyPod(pod: ApiObject, namespace: string): PodAddress | undefined {
  const read = new FieldReader();
  const metadata = read.map(pod['metadata'], 'metadata');
  const conditions = read.list(read.map(pod['status'], 'status')['conditions'], 'status.conditions');
  const isReady = conditions.some((each) => {
    const condition = read.map(each, 'condition');
    return condition['type'] === 'Ready' && condition['status'] === 'True';
  });
  if (!isReady || metadata['deletionTimestamp'] !== undefined) return undefined;
  return { namespace, pod: read.text(metadata['name'], 'metadata.name'), port: adminPort(pod, read) };
}

function adminPort(pod: ApiObject, read: FieldReader): number {
  for (const each of read.list(read.map(pod['spec'], 'spec')['containers'], 'spec.containers'))
    for (const port of read.list(read.map(each, 'container')['ports'], 'ports')) {
      const { name, containerPort } = read.map(port, 'port');
      if (name === PORT_NAME && typeof containerPort === 'number') return containerPort;
    }
  return ADMIN_PORT;
}
