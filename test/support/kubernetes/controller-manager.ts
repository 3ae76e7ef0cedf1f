/** A real kube-controller-manager for an API server of the tests: EndpointSlices, Deployments, Jobs, deletion by owner. */
import { KUBE_CONTROLLER_MANAGER } from '../../../tools/kubernetes/parts.ts';
import { type ApiServer, programOf } from './api-server.ts';
import { ServerProcess } from './server-process.ts';

/** Without node-lifecycle, which would evict the pods of a node whose kubelet it does not hear. */
const CONTROLLERS = [
  ...['deployment', 'replicaset', 'statefulset', 'daemonset', 'job', 'cronjob', 'endpointslice', 'namespace', 'disruption'],
  ...['garbage-collector', 'serviceaccount', 'root-ca-certificate-publisher', 'clusterrole-aggregation'],
].map((name) => `${name}-controller`);

/** Its files are in the API server's folder, which ends both. Ready once it has made `default`'s ServiceAccount. */
export async function startControllerManager(api: ApiServer): Promise<ServerProcess> {
  const flags = [
    `--kubeconfig=${await api.kubeconfigFile()}`,
    `--controllers=${CONTROLLERS.join(',')}`,
    `--root-ca-file=${api.caFile}`,
    `--service-account-private-key-file=${api.accountKeyFile}`,
    ...['--leader-elect=false', '--use-service-account-credentials=false', '--bind-address=127.0.0.1', '--secure-port=0'],
    // A test does not wait for a queue that spares a real API server.
    ...['--kube-api-qps=500', '--kube-api-burst=1000', '--profiling=false'],
  ];
  const ready = async (): Promise<boolean> => {
    await api.request('GET', '/api/v1/namespaces/default/serviceaccounts/default');
    return true;
  };
  return ServerProcess.start(await programOf(KUBE_CONTROLLER_MANAGER), flags, api.address.folder, ready);
}
