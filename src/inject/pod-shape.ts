/** What the injection looks at in a pod, or in the template of pods. */
import { PREFIX, WRITTEN } from '../annotations/keys.ts';
import { FieldReader, type Fields } from '../model/field-reader.ts';

export interface PodShape {
  readonly labels: Fields;
  readonly annotations: Fields;
  /** Its `detour.dev/` annotations, without the prefix. */
  readonly own: Readonly<Record<string, string>>;
  readonly containers: readonly ContainerShape[];
  readonly initContainers: readonly ContainerShape[];
  readonly volumes: readonly string[];
  readonly hostNetwork: boolean;
  readonly windows: boolean;
  readonly dnsPolicy: string;
  /** Users that it says its containers run as. */
  readonly uids: ReadonlySet<number>;
  /** The lists and maps that it has: others have to be made. */
  readonly has: {
    readonly metadata: boolean;
    readonly annotations: boolean;
    readonly initContainers: boolean;
    readonly volumes: boolean;
  };
}

export interface ContainerShape {
  readonly name: string;
  readonly words: readonly string[];
  /** On the pod's address. */
  readonly ports: readonly number[];
  readonly resources: Resources;
}

export interface Resources {
  readonly requests: Fields;
  readonly limits: Fields;
}

/** @returns what is wrong with it, where it cannot be read. */
export function readShape(pod: Fields): PodShape | { readonly mistake: string } {
  const read = new FieldReader();
  const metadata = read.map(pod['metadata'], 'metadata');
  const spec = read.map(pod['spec'], 'spec');
  const annotations = read.map(metadata['annotations'], 'metadata.annotations');
  const containers = (name: string) =>
    read.list(spec[name], `spec.${name}`).map((each, index) => containerShape(each, `spec.${name}[${index}]`, read));
  const shape: PodShape = {
    labels: read.map(metadata['labels'], 'metadata.labels'),
    annotations,
    own: ownAnnotations(annotations, read),
    containers: containers('containers'),
    initContainers: containers('initContainers'),
    volumes: read
      .list(spec['volumes'], 'spec.volumes')
      .map((each, index) => read.text(read.map(each, `spec.volumes[${index}]`)['name'], `spec.volumes[${index}].name`)),
    hostNetwork: read.flag(spec['hostNetwork'], 'spec.hostNetwork', false),
    windows: isWindows(spec, read),
    dnsPolicy: read.text(spec['dnsPolicy'], 'spec.dnsPolicy', 'ClusterFirst'),
    uids: uidsOf(spec),
    has: {
      metadata: isThere(pod['metadata']),
      annotations: isThere(metadata['annotations']),
      initContainers: isThere(spec['initContainers']),
      volumes: isThere(spec['volumes']),
    },
  };
  if (!isThere(pod['spec'])) read.mistake('spec', 'is missing');
  return read.failed ? { mistake: read.describe() } : shape;
}

function isThere(value: unknown): boolean {
  return value !== undefined && value !== null;
}

function ownAnnotations(annotations: Fields, read: FieldReader): Readonly<Record<string, string>> {
  const own = Object.entries(annotations).filter(
    ([name]) => name.startsWith(PREFIX) && !WRITTEN.includes(name.slice(PREFIX.length)),
  );
  return Object.fromEntries(own.map(([name, value]) => [name.slice(PREFIX.length), read.text(value, `annotation ${name}`)]));
}

function containerShape(value: unknown, path: string, read: FieldReader): ContainerShape {
  const container = read.map(value, path);
  const words = ['command', 'args'].flatMap((name) => read.list(container[name], `${path}.${name}`));
  const resources = read.map(container['resources'], `${path}.resources`);
  return {
    name: read.text(container['name'], `${path}.name`),
    words: words.map((word) => read.text(word, `${path}.args`)),
    ports: read.list(container['ports'], `${path}.ports`).flatMap((each, index) => {
      const port = read.map(each, `${path}.ports[${index}]`)['containerPort'];
      return typeof port === 'number' ? [port] : [];
    }),
    resources: {
      requests: read.map(resources['requests'], `${path}.resources.requests`),
      limits: read.map(resources['limits'], `${path}.resources.limits`),
    },
  };
}

const OS_LABELS = ['kubernetes.io/os', 'beta.kubernetes.io/os'];

function isWindows(spec: Fields, read: FieldReader): boolean {
  const selector = read.map(spec['nodeSelector'], 'spec.nodeSelector');
  return read.map(spec['os'], 'spec.os')['name'] === 'windows' || OS_LABELS.some((label) => selector[label] === 'windows');
}

/** Of the pod and of each of its containers. An image's own user is not known here. */
function uidsOf(spec: Fields): ReadonlySet<number> {
  const read = new FieldReader();
  const all = ['containers', 'initContainers'].flatMap((name) => read.list(spec[name], name));
  const contexts = [spec, ...all.map((each) => read.map(each, ''))].map((each) => read.map(each['securityContext'], ''));
  return new Set(contexts.map((context) => context['runAsUser']).filter((uid) => typeof uid === 'number'));
}
