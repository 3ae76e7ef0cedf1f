/** A real API server that holds a cluster of a given size. */
import { type ApiServer, startApiServer } from '../../test/support/kubernetes/api-server.ts';
import { type ClusterSize, NAMESPACE, previewPod, service, slice } from './cluster-objects.ts';

export type Progress = (line: string) => void;

const PARALLEL = 24;
const SAY_EVERY_MS = 4_000;

/** Takes minutes for tens of thousands of objects, and says how far it is. */
export async function startLoadedApiServer(size: ClusterSize, progress: Progress): Promise<ApiServer> {
  progress('starting etcd and kube-apiserver…');
  const server = await startApiServer();
  try {
    await server.request('POST', '/api/v1/namespaces', { metadata: { name: NAMESPACE } });
    const services = `/api/v1/namespaces/${NAMESPACE}/services`;
    const slices = `/apis/discovery.k8s.io/v1/namespaces/${NAMESPACE}/endpointslices`;
    const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;
    await eachOf('Services', size.services, progress, (index) => server.request('POST', services, service(index, size)));
    await eachOf('EndpointSlices', size.services, progress, (index) => server.request('POST', slices, slice(index, size)));
    await eachOf('preview pods', size.previews, progress, async (index) => {
      const pod = previewPod(index);
      const { status, ...rest } = pod;
      await server.request('POST', pods, rest);
      // A status is not taken with the object.
      const { name, namespace } = pod.metadata;
      const only = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, status };
      await server.request('PATCH', `${pods}/${name}/status?fieldManager=kubelet&force=true`, only);
    });
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

async function eachOf(
  what: string,
  count: number,
  progress: Progress,
  write: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  let saidAt = performance.now();
  const writer = async (): Promise<void> => {
    for (let index = next; index < count; index = next) {
      next += 1;
      await write(index);
      if (performance.now() - saidAt < SAY_EVERY_MS) continue;
      saidAt = performance.now();
      progress(`  ${index.toLocaleString('en')} of ${count.toLocaleString('en')} ${what} written`);
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, writer));
  progress(`  ${count.toLocaleString('en')} ${what} written`);
}
