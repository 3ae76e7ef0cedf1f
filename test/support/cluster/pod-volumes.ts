/** The volumes of a pod as folders: what a kubelet writes before it starts containers. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ApiAccess } from '../kubernetes/api-access.ts';
import { isMissing } from '../kubernetes/api-client.ts';
import { NODE_ADDRESS, NODE_NAME } from './addresses.ts';
import { fieldOf, type PodObject, type ProjectionSpec, type VolumeSpec } from './pod-objects.ts';

export interface PodVolumes {
  /** The folder of a volume, by its name. */
  readonly folders: ReadonlyMap<string, string>;
}

/** @throws Error for what is not there, or not known to the bench: the pod waits, as with a kubelet. */
export async function writeVolumes(api: ApiAccess, pod: PodObject, address: string, folder: string): Promise<PodVolumes> {
  const folders = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
    const own = join(folder, 'volumes', volume.name);
    await mkdir(own, { recursive: true });
    folders.set(volume.name, own);
    for (const source of sourcesOf(volume)) {
      for (const [path, content] of await filesOf(api, pod, address, source)) {
        await mkdir(dirname(join(own, path)), { recursive: true });
        await writeFile(join(own, path), content);
      }
    }
  }
  return { folders };
}

/** The entries of a ConfigMap or Secret. @throws Error unless it is there, or optional */
export async function entriesOf(
  api: ApiAccess,
  kind: 'configmaps' | 'secrets',
  namespace: string,
  { name, optional = false }: { readonly name: string; readonly optional?: boolean },
): Promise<ReadonlyMap<string, Buffer>> {
  try {
    const path = `/api/v1/namespaces/${namespace}/${kind}/${name}`;
    const { data = {}, binaryData = {} } = await api.request<DataObject>('GET', path);
    const encoded = kind === 'secrets' ? data : binaryData;
    const plain = kind === 'secrets' ? {} : data;
    return new Map([
      ...Object.entries(plain).map(([key, text]) => [key, Buffer.from(text)] as const),
      ...Object.entries(encoded).map(([key, text]) => [key, Buffer.from(text, 'base64')] as const),
    ]);
  } catch (error) {
    if (optional && isMissing(error)) return new Map();
    throw error;
  }
}

interface DataObject {
  readonly data?: Readonly<Record<string, string>>;
  readonly binaryData?: Readonly<Record<string, string>>;
}

function sourcesOf(volume: VolumeSpec): readonly ProjectionSpec[] {
  const { name, emptyDir, configMap, secret, downwardAPI, projected } = volume;
  if (projected !== undefined) return projected.sources;
  if (configMap !== undefined) return [{ configMap }];
  if (downwardAPI !== undefined) return [{ downwardAPI }];
  if (secret !== undefined) return [{ secret: { ...secret, name: secret.secretName } }];
  if (emptyDir !== undefined) return [];
  throw new Error(`volume ${name}: the bench has no volumes of its kind`);
}

type File = readonly [path: string, content: Buffer | string];

async function filesOf(api: ApiAccess, pod: PodObject, address: string, source: ProjectionSpec): Promise<readonly File[]> {
  const { namespace } = pod.metadata;
  const { configMap, secret, downwardAPI, serviceAccountToken } = source;
  if (serviceAccountToken !== undefined) return [[serviceAccountToken.path, await tokenOf(api, pod, serviceAccountToken)]];
  if (downwardAPI !== undefined) {
    return (downwardAPI.items ?? []).map(({ path, fieldRef }) => {
      if (fieldRef === undefined) throw new Error('the bench knows downward API fields only');
      return [path, fieldOf(pod, fieldRef.fieldPath, address, { name: NODE_NAME, address: NODE_ADDRESS })];
    });
  }
  const [kind, reference] = configMap === undefined ? (['secrets', secret] as const) : (['configmaps', configMap] as const);
  if (reference === undefined) throw new Error('the bench does not know this kind of projected volume');
  const entries = await entriesOf(api, kind, namespace, reference);
  if (reference.items === undefined) return [...entries];
  return reference.items.map(({ key, path }) => {
    const content = entries.get(key);
    if (content === undefined) throw new Error(`${kind} ${reference.name} has no key ${key}`);
    return [path, content];
  });
}

/** Bound to the pod, as the kubelet's are: it ends with it. */
async function tokenOf(
  api: ApiAccess,
  pod: PodObject,
  { audience, expirationSeconds = 3600 }: { readonly audience?: string; readonly expirationSeconds?: number },
): Promise<string> {
  const { name, namespace, uid } = pod.metadata;
  const { status } = await api.request<{ readonly status: { readonly token: string } }>(
    'POST',
    `/api/v1/namespaces/${namespace}/serviceaccounts/${pod.spec.serviceAccountName ?? 'default'}/token`,
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        expirationSeconds,
        ...(audience === undefined ? {} : { audiences: [audience] }),
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    },
  );
  return status.token;
}
