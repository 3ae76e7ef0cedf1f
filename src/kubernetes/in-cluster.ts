/** Inside a pod: the ServiceAccount's token and the cluster's CA are files, and the kubelet writes them anew in time. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Access, AccessError } from './access.ts';

const FOLDER = '/var/run/secrets/kubernetes.io/serviceaccount';

/** @param folder other than the kubelet's in tests. */
export function inClusterAccess(host: string, port: number, folder: string = FOLDER): Access {
  const server = new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`);
  return {
    name: 'the ServiceAccount of this pod',
    async connect() {
      const [token, ca] = await Promise.all([read(join(folder, 'token')), read(join(folder, 'ca.crt'))]);
      return {
        server,
        token: token.trim(),
        ca,
        certificate: undefined,
        key: undefined,
        serverName: undefined,
        isInsecure: false,
      };
    },
    forget: () => undefined,
  };
}

/** The namespace of this pod; undefined outside of a pod. */
export async function inClusterNamespace(folder: string = FOLDER): Promise<string | undefined> {
  const text = await readFile(join(folder, 'namespace'), 'utf8').catch(() => '');
  return text.trim() || undefined;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new AccessError(
      `the ServiceAccount's ${path} cannot be read: ${why}: is automountServiceAccountToken off? Outside a pod give --kubeconfig`,
      { cause: error },
    );
  }
}
