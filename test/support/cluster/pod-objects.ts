/** Pods, as far as the kubelet stand-in reads them. The API server has validated them and filled in what has a default. */
import type { KubernetesObject } from '../kubernetes/api-client.ts';

export interface PodObject extends KubernetesObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly deletionGracePeriodSeconds?: number;
  };
  readonly spec: PodSpec;
  readonly status?: { readonly phase?: string; readonly podIP?: string };
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly serviceAccountName?: string;
  readonly restartPolicy: 'Always' | 'OnFailure' | 'Never';
  readonly hostname?: string;
  readonly subdomain?: string;
  readonly containers: readonly ContainerSpec[];
  readonly initContainers?: readonly ContainerSpec[];
  readonly volumes?: readonly VolumeSpec[];
  readonly schedulingGates?: readonly unknown[];
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number; readonly protocol?: string }[];
  readonly env?: readonly EnvSpec[];
  readonly envFrom?: readonly { readonly prefix?: string; readonly configMapRef?: NameRef; readonly secretRef?: NameRef }[];
  readonly volumeMounts?: readonly MountSpec[];
  readonly readinessProbe?: ProbeSpec;
  readonly startupProbe?: ProbeSpec;
  readonly lifecycle?: { readonly preStop?: ActionSpec };
  /** Of users, only those that a container itself names. */
  readonly securityContext?: { readonly readOnlyRootFilesystem?: boolean; readonly runAsUser?: number };
  /** An init container that goes on running beside the others. */
  readonly restartPolicy?: 'Always';
}

interface NameRef {
  readonly name: string;
  readonly optional?: boolean;
}

export interface KeyRef extends NameRef {
  readonly key: string;
}

export interface EnvSpec {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly configMapKeyRef?: KeyRef;
    readonly secretKeyRef?: KeyRef;
  };
}

export interface MountSpec {
  readonly name: string;
  readonly mountPath: string;
  readonly subPath?: string;
  readonly readOnly?: boolean;
}

interface ItemSpec {
  readonly key: string;
  readonly path: string;
}

export interface ProjectionSpec {
  readonly configMap?: { readonly name: string; readonly items?: readonly ItemSpec[]; readonly optional?: boolean };
  readonly secret?: { readonly name: string; readonly items?: readonly ItemSpec[]; readonly optional?: boolean };
  readonly downwardAPI?: {
    readonly items?: readonly { readonly path: string; readonly fieldRef?: { readonly fieldPath: string } }[];
  };
  readonly serviceAccountToken?: { readonly audience?: string; readonly expirationSeconds?: number; readonly path: string };
}

export interface VolumeSpec {
  readonly name: string;
  readonly emptyDir?: object;
  readonly configMap?: ProjectionSpec['configMap'];
  readonly secret?: { readonly secretName: string; readonly items?: readonly ItemSpec[]; readonly optional?: boolean };
  readonly downwardAPI?: ProjectionSpec['downwardAPI'];
  readonly projected?: { readonly sources: readonly ProjectionSpec[] };
}

/** What a probe or a hook does. */
export interface ActionSpec {
  readonly httpGet?: {
    readonly path?: string;
    readonly port: number | string;
    readonly host?: string;
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port: number | string };
  readonly exec?: { readonly command: readonly string[] };
  readonly sleep?: { readonly seconds: number };
}

export interface ProbeSpec extends ActionSpec {
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** `/api/v1/namespaces/NAMESPACE/pods/NAME` */
export function pathOfPod({ metadata }: PodObject): string {
  return `/api/v1/namespaces/${metadata.namespace}/pods/${metadata.name}`;
}

/** The value of a downward API field; undefined where the pod has none. @throws Error for a field that is not known here */
export function fieldOf(
  pod: PodObject,
  path: string,
  address: string,
  node: { readonly name: string; readonly address: string },
): string {
  const { name, namespace, uid, labels = {}, annotations = {} } = pod.metadata;
  const entry = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (entry !== null) return (entry[1] === 'labels' ? labels : annotations)[entry[2] ?? ''] ?? '';
  const lines = (map: Readonly<Record<string, string>>): string =>
    Object.entries(map)
      .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
      .join('\n');
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': name,
    'metadata.namespace': namespace,
    'metadata.uid': uid,
    'metadata.labels': lines(labels),
    'metadata.annotations': lines(annotations),
    'spec.nodeName': node.name,
    'spec.serviceAccountName': pod.spec.serviceAccountName ?? 'default',
    'status.podIP': address,
    'status.podIPs': address,
    'status.hostIP': node.address,
    'status.hostIPs': node.address,
  };
  const value = fields[path];
  if (value === undefined) throw new Error(`the bench knows no field ${path}`);
  return value;
}
