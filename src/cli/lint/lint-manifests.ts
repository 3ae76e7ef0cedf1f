/** Manifests → what the control plane would say of them, told by the same rooms that would say it. */
import { checkNames } from '../../annotations/check-keys.ts';
import { INJECT_LABEL, PREFIX } from '../../annotations/keys.ts';
import { checkInjectLabel, parseSidecar } from '../../annotations/parse-sidecar.ts';
import { InterceptEngine } from '../../intercepts/engine.ts';
import type { ClusterChange, Service } from '../../model/cluster-state.ts';
import { type Fields, isFields } from '../../model/field-reader.ts';
import { objectKey } from '../../model/names.ts';
import { type FieldPath, fieldAt, podOfTemplate, templatePath } from '../../model/pod-template.ts';
import { PROBLEMS, type Problem, type Severity, type Subject } from '../../model/problem.ts';
import { readLabels } from '../../preview/selector.ts';
import { duplicateProblem } from '../../sources/directory/directory-state.ts';
import { type ClusterObject, clusterObjectId, projectObjects } from '../../sources/objects.ts';
import type { ManifestObject } from '../manifest-objects.ts';
import { lineOfProblem } from './problem-line.ts';
import { type LabelledPod, servicesElsewhere, sliceOfService } from './stand-ins.ts';

export interface Finding {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** `Deployment shop/api`; '' where the object cannot be read. */
  readonly object: string;
  readonly severity: Severity;
  readonly code: Problem['code'];
  readonly message: string;
  readonly hint: string;
}

/** @param now ms since the epoch: what has expired by then is told. */
export function lintManifests(objects: readonly ManifestObject[], now: number): readonly Finding[] {
  const reader = new Reader();
  for (const object of objects) reader.read(object);
  return reader.finish(now);
}

/** An object of the manifests, and where its pods' metadata is. */
interface Place {
  readonly object: ManifestObject;
  readonly template: FieldPath;
}

class Reader {
  readonly #findings: Finding[] = [];
  /** By `kind namespace/name`, as in subjects of problems. */
  readonly #places = new Map<string, Place>();
  readonly #objects = new Map<string, ClusterObject>();
  readonly #services: { readonly object: Fields; readonly read: ClusterObject & { readonly kind: 'service' } }[] = [];
  readonly #pods: LabelledPod[] = [];

  read(object: ManifestObject): void {
    const template = isFields(object.value) ? templatePath(object.value) : undefined;
    const place = { object, template: template ?? [] };
    // A Pod is read once, as its own template.
    if (template?.length !== 0) this.#project(object.value, place);
    if (isFields(object.value) && template !== undefined) this.#readPods(object.value, place);
  }

  finish(now: number): readonly Finding[] {
    const declared = [...this.#objects.values()].flatMap(({ kind, object }) => {
      return kind === 'pod' || (kind === 'service' && object.previewLabel !== '') ? [object] : [];
    });
    const services = this.#services.map(({ read }) => read.object);
    const elsewhere = servicesElsewhere(declared, services);
    const engine = new InterceptEngine();
    engine.apply([...this.#objects.values(), ...this.#slices(), ...elsewhere.map(changeOfService)], now);
    for (const problem of engine.problems())
      this.#tell(problem, this.#places.get(`${problem.subject.kind} ${problem.subject.key}`));
    return unique(this.#findings);
  }

  /** @returns the object, where it is one that counts. */
  #project(value: unknown, place: Place): ClusterObject | undefined {
    const origin = { subject: { kind: 'File', key: place.object.file }, place: place.object.place } as const;
    const { objects, problems } = projectObjects(value, origin);
    for (const problem of problems) this.#tell(problem, place);
    const [read] = objects;
    if (read === undefined) return undefined;
    const id = clusterObjectId(read);
    const before = this.#places.get(subjectOf(read));
    if (this.#objects.has(id)) {
      // Files of a folder may be variants of each other; one file is applied as a whole.
      const { file } = place.object;
      if (before?.object.file === file) this.#tell(duplicateProblem(read, file, file), place);
      return undefined;
    }
    this.#objects.set(id, read);
    this.#places.set(subjectOf(read), place);
    if (read.kind === 'service' && isFields(value)) this.#services.push({ object: value, read });
    return read;
  }

  #readPods(object: Fields, place: Place): void {
    const name = fieldAt(object, ['metadata', 'name']);
    const pod = podOfTemplate(object, place.template, this.#podName(object, String(name ?? '')));
    const read = this.#project(pod, place);
    const metadata = fieldAt(pod, ['metadata']);
    const labels = readLabels(fieldAt(metadata, ['labels']));
    for (const problem of checkInjectLabel(labels[INJECT_LABEL], subjectOfPod(pod))) this.#tell(problem, place);
    if (read?.kind === 'pod') this.#pods.push({ pod: read.object, labels });
    else if (read === undefined) this.#readUnlabelled(pod, place);
  }

  /** Two workloads may have one name; their pods have two. */
  #podName(object: Fields, name: string): string {
    const namespace = fieldAt(object, ['metadata', 'namespace']) ?? 'default';
    const isTaken = this.#objects.has(`pod ${String(namespace)}/${name}`);
    return isTaken && object['kind'] !== 'Pod' ? `${name}-${String(object['kind']).toLowerCase()}` : name;
  }

  /** Without the label the control plane never sees a pod, and cannot say what is wrong with it. */
  #readUnlabelled(pod: Fields, place: Place): void {
    const annotations = Object.entries(readLabels(fieldAt(pod, ['metadata', 'annotations'])))
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, value]) => [name.slice(PREFIX.length), value] as const);
    if (Object.hasOwn(readLabels(fieldAt(pod, ['metadata', 'labels'])), `${PREFIX}preview`)) return;
    const subject = subjectOfPod(pod);
    const own = Object.fromEntries(annotations);
    const problems = [...parseSidecar(own, subject).problems, ...checkNames(own, subject, ['preview', 'sidecar'])];
    for (const problem of problems) this.#tell(problem, place);
  }

  /** Of those Services that come without. */
  #slices(): readonly ClusterChange[] {
    const present = new Set(
      [...this.#objects.values()].flatMap(({ kind, object }) => (kind === 'slice' ? [object.service] : [])),
    );
    return this.#services
      .filter(({ read }) => read.object.type !== 'ExternalName' && !present.has(read.key))
      .map(({ object, read }) => {
        const slice = sliceOfService(read.object, object, this.#pods);
        return { kind: 'slice', key: objectKey(slice.namespace, slice.name), object: slice } as const;
      });
  }

  /** Problems of objects that no manifest holds are nobody's. */
  #tell(problem: Problem, place: Place | undefined): void {
    if (place === undefined) return;
    const { code, hint } = problem;
    const { file } = place.object;
    // Some begin with their file, for those who do not see it beside them.
    const message = problem.message.startsWith(file)
      ? problem.message.slice(problem.message.indexOf(': ', file.length) + 2)
      : problem.message;
    this.#findings.push({
      file,
      line: lineOfProblem(place.object, place.template, problem),
      object: nameOf(place.object.value),
      severity: PROBLEMS[code].severity,
      code,
      message,
      hint,
    });
  }
}

function changeOfService(service: Service): ClusterChange {
  return { kind: 'service', key: objectKey(service.namespace, service.name), object: service };
}

function subjectOf({ kind, key }: ClusterObject): string {
  const kinds = { pod: 'Pod', service: 'Service', slice: 'EndpointSlice' } as const;
  return `${kinds[kind]} ${key}`;
}

function subjectOfPod(pod: Fields): Subject {
  const namespace = String(fieldAt(pod, ['metadata', 'namespace']) ?? 'default');
  return { kind: 'Pod', key: objectKey(namespace, String(fieldAt(pod, ['metadata', 'name']))) };
}

function nameOf(value: unknown): string {
  const [kind, name] = [fieldAt(value, ['kind']), fieldAt(value, ['metadata', 'name'])];
  const namespace = fieldAt(value, ['metadata', 'namespace']) ?? 'default';
  return typeof kind === 'string' && typeof name === 'string' ? `${kind} ${String(namespace)}/${name}` : '';
}

/** In the order of files and lines. One preview of several ports may say the same of each. */
function unique(findings: readonly Finding[]): readonly Finding[] {
  const files = [...new Set(findings.map(({ file }) => file))];
  const byText = new Map(findings.map((finding) => [JSON.stringify(finding), finding]));
  return [...byText.values()].sort((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line);
}
