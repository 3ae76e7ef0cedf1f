/** A baseline's workload → its preview (design, section 6, `create`): a manifest of its own, which one delete removes. */
import { DELETE_WHEN_EXPIRED, PREFIX } from '../annotations/keys.ts';
import { parsePreview } from '../annotations/parse-preview.ts';
import type { Fields } from '../model/field-reader.ts';
import { PROBLEMS } from '../model/problem.ts';
import { shorten } from '../model/shorten.ts';
import { changeContainer, type TargetPorts } from './containers.ts';
import { type CopyLabels, copyLabels, labelFaults } from './copy-labels.ts';
import { withoutMarks } from './copy-metadata.ts';
import type { CopyFault, CopyOptions } from './copy-options.ts';
import { joinName } from './join-name.ts';
import { ownNetwork } from './network.ts';
import { ownPlacement } from './placement.ts';
import { type Labels, readLabels } from './selector.ts';
import { ownVolumes, withoutTokenVolume } from './volumes.ts';
import { fieldsOf, isPreview, listOf, nameOfObject, readWorkload, type Workload, type WorkloadKind } from './workload.ts';

/** As the API server takes it, whole. */
export interface Manifest extends Fields {
  readonly apiVersion: string;
  readonly kind: WorkloadKind;
  readonly metadata: {
    readonly name: string;
    /** undefined where the baseline's manifest names none: it is chosen when both are applied. */
    readonly namespace?: string;
    readonly labels: Labels;
    readonly annotations: Labels;
  };
  readonly spec: Fields;
}

export interface Copy {
  readonly manifest: Manifest;
  /** What differs from the baseline and may surprise, a sentence each. */
  readonly notices: readonly string[];
}

/** A StatefulSet's name and eleven characters more make a label of its pods. */
const LONGEST_NAME: Readonly<Record<WorkloadKind, number>> = { Deployment: 63, ReplicaSet: 63, Pod: 63, StatefulSet: 52 };
const NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;

/**
 * @param object the baseline's workload, from a manifest or from the API server.
 * @param services those of its namespace: none that takes the baseline's pods takes the copy's.
 * @returns the same for the same input. Fields that nothing here is about are as they were.
 */
export function copyWorkload(
  object: Fields,
  services: readonly Fields[],
  options: CopyOptions,
): Copy | { readonly faults: readonly CopyFault[] } {
  const workload = readWorkload(object);
  if ('fault' in workload) return { faults: [workload.fault] };
  if (isPreview(object)) {
    return {
      faults: [{ message: `${nameOfObject(object)} is a preview itself.`, hint: 'Copy the workload that it is a copy of.' }],
    };
  }
  const name = options.name ?? joinName(workload.name, options.key, LONGEST_NAME[workload.kind]);
  const labels = copyLabels(workload, services, name, options);
  const pods = copyPods(workload, services, labels, options);
  const faults = [
    ...nameFaults(name, workload, options),
    ...annotationFaults(workload, name, options),
    ...labelFaults(workload, services, labels, options),
    ...('fault' in pods ? [pods.fault] : []),
  ];
  if ('fault' in pods || faults.length > 0) return { faults };
  return { manifest: manifestOf(workload, name, labels, pods.template, options), notices: pods.notices };
}

interface Pods {
  readonly template: { readonly metadata: Fields; readonly spec: Fields };
  readonly notices: readonly string[];
}

function copyPods(
  workload: Workload,
  services: readonly Fields[],
  labels: CopyLabels,
  options: CopyOptions,
): Pods | { readonly fault: CopyFault } {
  const changed = changeContainer(workload.template, targetPorts(services, options), options);
  if ('fault' in changed) return changed;
  const claims = workload.kind === 'StatefulSet' ? listOf(fieldsOf(workload.object['spec'])['volumeClaimTemplates']) : [];
  const volumes = ownVolumes(workload.kind === 'Pod' ? withoutTokenVolume(changed.spec) : changed.spec, claims);
  if ('fault' in volumes) return volumes;
  const network = ownNetwork(ownPlacement(volumes.spec, workload.labels, labels.own));
  const { nodeName: _node, ephemeralContainers: _debuggers, ...spec } = network.spec;
  const { name: _name, namespace: _namespace, ...metadata } = withoutRecord(fieldsOf(workload.template['metadata']));
  const annotations = { ...withoutMarks(readLabels(metadata['annotations'])), ...podAnnotations(options) };
  return {
    template: { metadata: { ...metadata, labels: labels.pods, annotations }, spec },
    notices: [...changed.notices, ...volumes.notices, ...network.notices],
  };
}

/** What the API server knows of one object, and what is of no other. */
function withoutRecord(metadata: Fields): Fields {
  const own = ['creationTimestamp', 'uid', 'resourceVersion', 'generation', 'managedFields', 'selfLink', 'generateName'];
  const bonds = ['ownerReferences', 'finalizers', 'deletionTimestamp', 'deletionGracePeriodSeconds'];
  return Object.fromEntries(Object.entries(metadata).filter(([name]) => ![...own, ...bonds].includes(name)));
}

function manifestOf(
  workload: Workload,
  name: string,
  labels: CopyLabels,
  template: Pods['template'],
  options: CopyOptions,
): Manifest {
  const { kind, namespace, object } = workload;
  const kept = withoutMarks(readLabels(fieldsOf(object['metadata'])['annotations']));
  const own = kind === 'Pod' ? podAnnotations(options) : {};
  const annotations = { ...kept, ...own, ...expiry(options), ...deletion(options) };
  const named = fieldsOf(object['metadata'])['namespace'] === undefined ? {} : { namespace };
  const metadata = { name, ...named, labels: labels.object, annotations };
  return { apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1', kind, metadata, spec: specOf(workload, labels, template, options) };
}

function specOf(workload: Workload, labels: CopyLabels, template: Pods['template'], { replicas }: CopyOptions): Fields {
  if (workload.kind === 'Pod') {
    // Admission computes it, and refuses another.
    const { priority: _priority, ...spec } = template.spec;
    return spec;
  }
  const spec = { ...fieldsOf(workload.object['spec']), replicas, selector: { matchLabels: labels.own }, template };
  if (workload.kind === 'ReplicaSet') return spec;
  // A paused baseline, or one that is rolled out in parts, is no reason for the copy to be.
  if (workload.kind === 'Deployment') return Object.fromEntries(Object.entries(spec).filter(([field]) => field !== 'paused'));
  const stateful = ['volumeClaimTemplates', 'persistentVolumeClaimRetentionPolicy', 'updateStrategy', 'ordinals'];
  return Object.fromEntries(Object.entries(spec).filter(([field]) => !stateful.includes(field)));
}

function podAnnotations(options: CopyOptions): Labels {
  const intercept = options.standsInFor
    .map(({ service, port }) => (port === undefined ? service : `${service}:${port}`))
    .join(', ');
  const others = Object.entries(options.annotations).map(([name, value]) => [`${PREFIX}${name}`, value] as const);
  return { [`${PREFIX}intercept`]: intercept, ...Object.fromEntries(others), ...expiry(options) };
}

/** On the pods for the intercept's end, on the workload for its deletion. */
function expiry({ expiresAt }: CopyOptions): Labels {
  if (expiresAt === undefined) return {};
  return { [`${PREFIX}expires`]: new Date(expiresAt).toISOString().replace(/\.\d{3}Z$/, 'Z') };
}

function deletion({ expiresAt, deleteWhenExpired }: CopyOptions): Labels {
  return expiresAt !== undefined && deleteWhenExpired ? { [`${PREFIX}${DELETE_WHEN_EXPIRED}`]: 'true' } : {};
}

/** Where the Services that it stands in for send their requests. */
function targetPorts(services: readonly Fields[], { standsInFor }: CopyOptions): TargetPorts {
  const targets = new Set<string | number>();
  for (const { service: name, port: wanted } of standsInFor) {
    const service = services.find((each) => fieldsOf(each['metadata'])['name'] === name);
    for (const port of listOf(fieldsOf(service?.['spec'])['ports']).map(fieldsOf)) {
      const target = port['targetPort'] ?? port['port'];
      const isWanted = wanted === undefined || port['name'] === wanted || String(port['port']) === wanted;
      if (isWanted && (typeof target === 'string' || typeof target === 'number')) targets.add(target);
    }
  }
  return targets;
}

function nameFaults(name: string, workload: Workload, { replicas }: CopyOptions): readonly CopyFault[] {
  const faults: CopyFault[] = [];
  const limit = LONGEST_NAME[workload.kind];
  if (!NAME.test(name) || name.length > limit) {
    const message = `${shorten(name)} is no name for a ${workload.kind}.`;
    faults.push({ message, hint: `Lower-case letters, digits, dots and hyphens make one, ${limit} characters at most.` });
  }
  if (name === workload.name) {
    const message = `The preview must not have the baseline's own name, ${name}.`;
    faults.push({ message, hint: 'Choose another, or none.' });
  }
  if (workload.kind === 'Pod' && replicas !== 1) {
    const message = `Pod ${workload.key} is one pod, and so is its preview: it has no ${replicas} replicas.`;
    faults.push({ message, hint: 'Leave the number of replicas out.' });
  }
  return faults;
}

/** What the control plane would say of the preview, before it is there. */
function annotationFaults({ namespace }: Workload, name: string, options: CopyOptions): readonly CopyFault[] {
  const prefixed = Object.entries(podAnnotations(options));
  const { problems } = parsePreview({
    namespace,
    name,
    createdAt: 0,
    previewLabel: options.key,
    annotations: Object.fromEntries(prefixed.map(([key, value]) => [key.slice(PREFIX.length), value])),
    controller: { kind: 'Pod', name },
    ips: [],
    ready: false,
    leaving: false,
    ports: {},
  });
  return problems.filter(({ code }) => PROBLEMS[code].severity === 'error').map(({ message, hint }) => ({ message, hint }));
}
