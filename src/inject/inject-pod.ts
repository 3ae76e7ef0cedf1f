/** A pod, or the template of pods → what is added to it, so that an Envoy of Detour takes its traffic. */
import { INJECT_LABEL, NOT_INJECTED, PREFIX } from '../annotations/keys.ts';
import { parseSidecar, type SidecarDeclaration } from '../annotations/parse-sidecar.ts';
import type { Fields } from '../model/field-reader.ts';
import { objectKey } from '../model/names.ts';
import type { Problem, Subject } from '../model/problem.ts';
import { captureContainer } from './capture-container.ts';
import { FILE_ANNOTATION, type SidecarCredentials, tokenFile, tokenVolume } from './credentials.ts';
import { type Addition, addition } from './patch.ts';
import { type PodShape, readShape } from './pod-shape.ts';
import { type InjectSettings, SYSTEM_NAMESPACES } from './settings.ts';
import { sidecarContainer } from './sidecar-container.ts';
import { sidecarResources } from './sidecar-resources.ts';
import { sidecarUid } from './sidecar-uid.ts';
import { isInjected, type Unfit, unfit } from './unfit.ts';

export interface PodPlace {
  readonly namespace: string;
  /** Of the pod, or of what makes it; '' where neither has one yet. */
  readonly name: string;
  /** Whether the namespace lets pods have no right over their own network: pod security `baseline` or `restricted`. */
  readonly isRestricted: boolean;
}

export interface Injection {
  /** `left`: as it is, because it has a sidecar already, does not want one, or must not have one. */
  readonly outcome: 'injected' | 'unfit' | 'left';
  /** To what was given; of one that is unfit, an annotation that says why. */
  readonly patch: readonly Addition[];
  readonly problems: readonly Problem[];
}

const LEFT: Injection = { outcome: 'left', patch: [], problems: [] };

/** Twice is once: what was injected is left as it is. */
export function injectPod(pod: Fields, place: PodPlace, settings: InjectSettings): Injection {
  const subject: Subject = { kind: 'Pod', key: objectKey(place.namespace, place.name) };
  const shape = readShape(pod);
  if ('mistake' in shape)
    return { ...LEFT, problems: [notInjected(subject, { why: `It cannot be read: ${shape.mistake}.`, fix: 'Correct it.' })] };
  if (isInjected(shape) || shape.labels[INJECT_LABEL] === 'false') return LEFT;
  if (SYSTEM_NAMESPACES.includes(place.namespace) || place.namespace === settings.systemNamespace) {
    const why = `The namespace ${place.namespace} is the cluster's own, or Detour's.`;
    return { ...LEFT, problems: [notInjected(subject, { why, fix: 'Nothing is injected there.' })] };
  }
  const reason = place.isRestricted ? RESTRICTED : unfit(shape, settings);
  if (reason !== undefined) return { outcome: 'unfit', patch: whyNot(shape, reason), problems: [notInjected(subject, reason)] };
  const { declaration, problems } = parseSidecar(shape.own, subject);
  return { outcome: 'injected', patch: additions(shape, declaration, settings), problems };
}

const RESTRICTED: Unfit = {
  why: 'Its namespace enforces a pod security standard that refuses NET_ADMIN, which the init step needs to set iptables.',
  fix: 'Label the namespace pod-security.kubernetes.io/enforce: privileged; or run an Envoy with explicit ports (docs/envoys.md).',
};

/**
 * Ours come first. A pod's own init containers and sidecars then have the network that its app has; and as sidecars end in
 * the reverse order, ours is there for the last words of the others.
 */
function additions(shape: PodShape, declaration: SidecarDeclaration, settings: InjectSettings): readonly Addition[] {
  const uid = sidecarUid(shape);
  const resources = sidecarResources(declaration.resources ?? settings.resources, shape);
  const containers = [
    captureContainer(settings, resources, uid, declaration.excludes),
    sidecarContainer(settings, {
      image: declaration.image ?? settings.image,
      concurrency: declaration.concurrency ?? settings.concurrency,
      resources,
      uid,
    }),
  ];
  const { initContainers } = shape.has;
  return [
    ...(initContainers
      ? containers.map((each, index) => addition(['spec', 'initContainers', index], each))
      : [addition(['spec', 'initContainers'], containers)]),
    ...(settings.credentials === undefined ? [] : tokenAdditions(shape, settings.credentials)),
  ];
}

function tokenAdditions({ has, annotations }: PodShape, credentials: SidecarCredentials): readonly Addition[] {
  const volume = has.volumes ? addition(['spec', 'volumes', '-'], tokenVolume()) : addition(['spec', 'volumes'], [tokenVolume()]);
  return [volume, ...annotation({ has, annotations }, FILE_ANNOTATION, tokenFile(credentials))];
}

/** On the pod itself: what a controller is told of the pods that it makes is read by nobody. */
function whyNot(shape: PodShape, { why }: Unfit): readonly Addition[] {
  return annotation(shape, `${PREFIX}${NOT_INJECTED}`, why);
}

function annotation(
  { annotations, has }: Pick<PodShape, 'annotations' | 'has'>,
  name: string,
  value: string,
): readonly Addition[] {
  if (annotations[name] === value) return [];
  if (has.annotations) return [addition(['metadata', 'annotations', name], value)];
  if (has.metadata) return [addition(['metadata', 'annotations'], { [name]: value })];
  return [addition(['metadata'], { annotations: { [name]: value } })];
}

function notInjected(subject: Subject, { why, fix }: Unfit): Problem {
  return { code: 'NotInjected', subject, message: `${subject.kind} ${subject.key} gets no sidecar. ${why}`, hint: fix };
}
