/** What the node agent knows of a pod: files, see tools/kubernetes/node-agent. */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** @param folder of the API server's files */
export function podFolder(folder: string): string {
  return join(folder, 'pods');
}

export interface PodRecord extends AsyncDisposable {
  logFile(container: string): string;
}

/** @param process the id of one in the pod's network namespace; undefined: it has none of its own */
export async function recordPod(
  folder: string,
  pod: { readonly namespace: string; readonly name: string },
  address: string,
  process: number | undefined,
): Promise<PodRecord> {
  const own = join(podFolder(folder), pod.namespace, pod.name);
  await mkdir(own, { recursive: true });
  if (process !== undefined) await writeFile(join(own, 'process'), String(process));
  await writeFile(join(own, 'address'), address);
  return {
    logFile: (container) => join(own, `${container}.log`),
    [Symbol.asyncDispose]: () => rm(own, { recursive: true, force: true }),
  };
}
