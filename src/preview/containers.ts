/** The app's container among those of a pod, its image and its variables. */
import type { Fields } from '../model/field-reader.ts';
import type { CopyFault, CopyOptions, EnvEntry, ImageChoice } from './copy-options.ts';
import { imageOfCommit, repositoryOf } from './image.ts';
import { fieldsOf, listOf, textOf } from './workload.ts';

/** Where the app's requests arrive: target ports of the Service. */
export type TargetPorts = ReadonlySet<string | number>;

/** Well-known companions of an app: never what a new image of the app is for. */
const COMPANIONS = new Set([
  ...['istio-proxy', 'linkerd-proxy', 'envoy', 'envoy-sidecar', 'kuma-sidecar', 'consul-dataplane', 'nginx-mesh-sidecar'],
  ...['daprd', 'vault-agent', 'cloud-sql-proxy', 'cloudsql-proxy', 'oauth2-proxy', 'kube-rbac-proxy', 'detour', 'detour-envoy'],
  ...['datadog-agent', 'fluent-bit', 'fluentd', 'otc-container', 'jaeger-agent', 'filebeat', 'promtail'],
]);

const DEFAULT_CONTAINER = 'kubectl.kubernetes.io/default-container';

/** @returns the pod's spec with image and variables changed; what changed beside the app's container, a sentence each. */
export function changeContainer(
  template: Fields,
  ports: TargetPorts,
  options: CopyOptions,
): { readonly spec: Fields; readonly notices: readonly string[] } | { readonly fault: CopyFault } {
  const spec = fieldsOf(template['spec']);
  if (options.image === undefined && options.env.length === 0 && options.container === undefined) return { spec, notices: [] };
  const containers = listOf(spec['containers']).map(fieldsOf);
  const app = chooseContainer(containers, template, ports, options);
  if ('fault' in app) return app;
  const before = textOf(app.container['image']);
  const image = options.image === undefined ? undefined : imageOf(options.image, before);
  const followers: string[] = [];
  const change = (container: Fields): Fields => {
    const isApp = container === app.container;
    const isSame = image !== undefined && textOf(container['image']) === before;
    if (!isApp && isSame) followers.push(textOf(container['name']));
    const swapped = isApp || isSame ? withImage(container, image) : container;
    return isApp && options.env.length > 0 ? withEnv(swapped, options.env) : swapped;
  };
  const changed: Fields = {
    ...spec,
    ...(spec['initContainers'] === undefined ? {} : { initContainers: listOf(spec['initContainers']).map(fieldsOf).map(change) }),
    containers: containers.map(change),
  };
  const notices = followers.map(
    (name) => `Container ${name} runs the same image as ${textOf(app.container['name'])}, so it gets the new one too.`,
  );
  return { spec: changed, notices };
}

export function imageOf(choice: ImageChoice, before: string): string {
  return choice.kind === 'image' ? choice.image : imageOfCommit(choice.template, choice.commit, before);
}

function withImage(container: Fields, image: string | undefined): Fields {
  return image === undefined ? container : { ...container, image };
}

/** In the place of one that has the name, however it gets its value there; new ones at the end, where they see the others. */
function withEnv(container: Fields, entries: readonly EnvEntry[]): Fields {
  const values = new Map(entries.map(({ name, value }) => [name, value]));
  const written = new Set<string>();
  const kept = listOf(container['env']).flatMap((entry) => {
    const name = textOf(fieldsOf(entry)['name']);
    const value = values.get(name);
    if (value === undefined) return [entry];
    if (written.has(name)) return [];
    written.add(name);
    return [{ name, value }];
  });
  const added = [...values].filter(([name]) => !written.has(name)).map(([name, value]) => ({ name, value }));
  return { ...container, env: [...kept, ...added] };
}

type Choice = { readonly container: Fields } | { readonly fault: CopyFault };

function chooseContainer(containers: readonly Fields[], template: Fields, ports: TargetPorts, options: CopyOptions): Choice {
  const names = containers.map(nameOf);
  if (options.container !== undefined) {
    const container = containers.find((each) => nameOf(each) === options.container);
    if (container !== undefined) return { container };
    return { fault: { message: `There is no container ${options.container}.`, hint: `The pods have ${names.join(', ')}.` } };
  }
  for (const container of candidates(containers, template, ports, options.image))
    if (container !== undefined) return { container };
  const message = `Which container the image or the variables are for is not clear: there are ${names.join(', ')}.`;
  return { fault: { message, hint: `Name it: --container ${names[0]}.` } };
}

/** By the surest sign first; undefined where a sign points at none, or at several. */
function* candidates(
  containers: readonly Fields[],
  template: Fields,
  ports: TargetPorts,
  image: ImageChoice | undefined,
): Generator<Fields | undefined> {
  yield only(containers);
  const repository = image?.kind === 'image' ? repositoryOf(image.image) : undefined;
  yield only(containers.filter((each) => repositoryOf(textOf(each['image'])) === repository));
  const apps = containers.filter((each) => !COMPANIONS.has(nameOf(each)));
  yield only(apps.filter((each) => listOf(each['ports']).some((port) => isTarget(fieldsOf(port), ports))));
  const marked = textOf(fieldsOf(fieldsOf(template['metadata'])['annotations'])[DEFAULT_CONTAINER]);
  yield only(containers.filter((each) => nameOf(each) === marked));
  yield only(apps);
}

function isTarget(port: Fields, targets: TargetPorts): boolean {
  const name = textOf(port['name']);
  const number = port['containerPort'];
  return (name !== '' && targets.has(name)) || (typeof number === 'number' && targets.has(number));
}

function only(containers: readonly Fields[]): Fields | undefined {
  return containers.length === 1 ? containers[0] : undefined;
}

function nameOf(container: Fields): string {
  return textOf(container['name']);
}
