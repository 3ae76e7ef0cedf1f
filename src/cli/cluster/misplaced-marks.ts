/** Workloads whose author put the marks of a preview beside the pod template, where the control plane cannot see them. */
import { ANNOTATIONS, isAnnotationName, PREFIX, PREVIEW_LABEL } from '../../annotations/keys.ts';
import { isFailure } from '../../kubernetes/api-client.ts';
import { FieldReader, type Fields } from '../../model/field-reader.ts';
import { MANAGED_BY_LABEL, MANAGER } from '../../preview/copy-labels.ts';
import type { Selection } from '../control-plane/client.ts';
import type { ProblemView } from '../control-plane/reports.ts';
import type { Cluster } from './cluster.ts';
import { collectionPath, WORKLOAD_PLACES } from './workload-kinds.ts';

export interface MisplacedMarks extends ProblemView {
  readonly namespace: string;
  /** `Deployment/api-pr-42`. */
  readonly workload: string;
  /** What its label says, here or in its pod template; ''. */
  readonly key: string;
}

/** @param kind of the object: lists do not say it of each; undefined: nothing is out of place */
export function misplacedMarks(kind: string, object: Fields): MisplacedMarks | undefined {
  const read = new FieldReader();
  const metadata = read.map(object['metadata'], 'metadata');
  const template = read.map(read.map(read.map(object['spec'], 'spec')['template'], 'template')['metadata'], 'metadata');
  const labels = read.map(metadata['labels'], 'labels');
  const podLabels = read.map(template['labels'], 'labels');
  const podAnnotations = read.map(template['annotations'], 'annotations');
  if (labels[MANAGED_BY_LABEL] === MANAGER) return undefined;
  const label = labels[PREVIEW_LABEL] !== undefined && podLabels[PREVIEW_LABEL] === undefined ? [`label ${PREVIEW_LABEL}`] : [];
  const annotations = Object.keys(read.map(metadata['annotations'], 'annotations'))
    .filter((name) => name.startsWith(PREFIX) && podAnnotations[name] === undefined)
    .filter((name) => isOfPreview(name.slice(PREFIX.length)))
    .map((name) => `annotation ${name}`);
  const marks = [...label, ...annotations];
  if (marks.length === 0) return undefined;
  const namespace = read.text(metadata['namespace'], 'namespace');
  const name = read.text(metadata['name'], 'name');
  const one = marks.length === 1;
  return {
    namespace,
    workload: `${kind}/${name}`,
    key: read.text(podLabels[PREVIEW_LABEL] ?? labels[PREVIEW_LABEL], 'label'),
    code: 'MisplacedAnnotation',
    severity: 'warning',
    message: `${kind} ${namespace}/${name} has the ${marks.join(', the ')} on its own metadata: ${one ? 'it has' : 'they have'} no effect there.`,
    hint: `Move ${one ? 'it' : 'them'} to spec.template.metadata, where its pods get ${one ? 'it' : 'them'}.`,
  };
}

/** Of the workloads that one may list; of one key, those that say it or say none. */
export async function misplacedIn(cluster: Cluster, { key, namespace }: Selection): Promise<readonly MisplacedMarks[]> {
  const places = [WORKLOAD_PLACES.Deployment, WORKLOAD_PLACES.StatefulSet];
  const found = places.map(async (place) => {
    const objects = await cluster.list(collectionPath(place, namespace), { resource: place.resource });
    return isFailure(objects) ? [] : objects.flatMap((object) => misplacedMarks(place.kind, object) ?? []);
  });
  return (await Promise.all(found)).flat().filter((marks) => key === undefined || marks.key === '' || marks.key === key);
}

function isOfPreview(name: string): boolean {
  return isAnnotationName(name) && ANNOTATIONS[name].place === 'preview';
}
