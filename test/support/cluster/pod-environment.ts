/** The environment of a container, and its command line with `$(NAME)` filled in. */
import type { ApiAccess } from '../kubernetes/api-access.ts';
import { API_SERVICE_ADDRESS, API_SERVICE_PORT, NODE_ADDRESS, NODE_NAME } from './addresses.ts';
import { type ContainerSpec, type EnvSpec, fieldOf, type KeyRef, type PodObject } from './pod-objects.ts';
import { entriesOf } from './pod-volumes.ts';

export type Environment = Readonly<Record<string, string>>;

/** What every container finds. */
const GIVEN: Environment = {
  PATH: process.env['PATH'] ?? '',
  HOME: '/tmp',
  KUBERNETES_SERVICE_HOST: API_SERVICE_ADDRESS,
  KUBERNETES_SERVICE_PORT: String(API_SERVICE_PORT),
};

/** @throws Error for a ConfigMap, Secret, key or field that is not there. */
export async function environmentOf(
  api: ApiAccess,
  pod: PodObject,
  container: ContainerSpec,
  address: string,
): Promise<Environment> {
  const { namespace } = pod.metadata;
  const environment: Record<string, string> = { ...GIVEN, HOSTNAME: pod.spec.hostname ?? pod.metadata.name };
  for (const { prefix = '', configMapRef, secretRef } of container.envFrom ?? []) {
    const [kind, reference] =
      configMapRef === undefined ? (['secrets', secretRef] as const) : (['configmaps', configMapRef] as const);
    if (reference === undefined) continue;
    const entries = await entriesOf(api, kind, namespace, reference);
    for (const [key, content] of entries) environment[`${prefix}${key}`] = content.toString();
  }
  const keyOf = async (kind: 'configmaps' | 'secrets', reference: KeyRef): Promise<string | undefined> => {
    const content = (await entriesOf(api, kind, namespace, reference)).get(reference.key);
    if (content === undefined && reference.optional !== true)
      throw new Error(`${kind} ${reference.name} has no key ${reference.key}`);
    return content?.toString();
  };
  const valueOf = async ({ name, value, valueFrom }: EnvSpec): Promise<string | undefined> => {
    if (valueFrom === undefined) return expand(value ?? '', environment);
    const { fieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
    if (fieldRef !== undefined) return fieldOf(pod, fieldRef.fieldPath, address, { name: NODE_NAME, address: NODE_ADDRESS });
    if (configMapKeyRef !== undefined) return keyOf('configmaps', configMapKeyRef);
    if (secretKeyRef !== undefined) return keyOf('secrets', secretKeyRef);
    throw new Error(`the bench does not know where ${name} comes from`);
  };
  for (const each of container.env ?? []) {
    const value = await valueOf(each);
    if (value !== undefined) environment[each.name] = value;
  }
  return environment;
}

/** `$(NAME)` is its value, where there is one; `$$(NAME)` is `$(NAME)`. */
export function expand(text: string, environment: Environment): string {
  return text.replace(/\$(\$|\(([A-Za-z_.-][A-Za-z0-9_.-]*)\))/g, (all, escaped: string, name: string | undefined) => {
    if (escaped === '$') return '$';
    return environment[name ?? ''] ?? all;
  });
}
