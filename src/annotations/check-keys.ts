/** Which of an object's `detour.dev/` annotations have a meaning there; what the others may have been meant as. */
import { editDistance } from '../model/edit-distance.ts';
import type { Problem, Subject } from '../model/problem.ts';
import { shorten } from '../model/shorten.ts';
import { ANNOTATIONS, type AnnotationPlace, annotationNames, isAnnotationName, PREFIX, PREVIEW_LABEL, WRITTEN } from './keys.ts';
import { MAX_ANNOTATIONS, MAX_NAME_LENGTH, MAX_VALUE_LENGTH } from './limits.ts';

type Annotations = Readonly<Record<string, string>>;

/**
 * Too many annotations, or a value too long of one that has a meaning: nothing of it is read then.
 * @returns undefined where the annotations are of a size that can be read.
 */
export function checkSize(annotations: Annotations, subject: Subject): Problem | undefined {
  const code = 'AnnotationTooLarge';
  // Counted no further than the limit: there may be very many.
  let count = 0;
  for (const name in annotations) {
    count += 1;
    if (count > MAX_ANNOTATIONS) {
      const message = `${subject.kind} ${subject.key} has more than ${MAX_ANNOTATIONS} detour.dev/ annotations.`;
      return { code, subject, message, hint: 'Remove those that Detour does not know; see docs/annotations.md.' };
    }
    const value = annotations[name] ?? '';
    if (isAnnotationName(name) && value.length > MAX_VALUE_LENGTH) return tooLong(subject, name, value);
  }
  return undefined;
}

function tooLong(subject: Subject, name: string, value: string): Problem {
  return {
    code: 'AnnotationTooLarge',
    subject,
    message: `${subject.kind} ${subject.key}: ${PREFIX}${name} has ${value.length} characters; ${MAX_VALUE_LENGTH} is the limit. It begins ${shorten(value)}.`,
    hint: 'Shorten it, or spread it over several previews or Services.',
  };
}

/** UnknownAnnotation and MisplacedAnnotation for every annotation that has no meaning on this object. */
export function checkNames(annotations: Annotations, subject: Subject, places: readonly AnnotationPlace[]): readonly Problem[] {
  const problems: Problem[] = [];
  for (const name of Object.keys(annotations).sort()) {
    if (isAnnotationName(name)) {
      const { place } = ANNOTATIONS[name];
      if (!places.includes(place)) problems.push(misplaced(subject, name, place));
    } else if (WRITTEN.includes(name) && subject.kind === 'Pod') {
      // A pod of its own is the workload; and what the injection says of a pod is no mistake of its author.
    } else if (`${PREFIX}${name}` === PREVIEW_LABEL) {
      const message = `${subject.kind} ${subject.key}: ${PREVIEW_LABEL} is an annotation here, and has no effect as one.`;
      problems.push({ code: 'MisplacedAnnotation', subject, message, hint: "Make it a label of the preview's pod template." });
    } else {
      problems.push(unknown(subject, name, places));
    }
  }
  return problems;
}

function misplaced(subject: Subject, name: string, place: AnnotationPlace): Problem {
  const where = {
    baseline: 'Put it on the baseline Service.',
    preview: `Put it on the preview's pod template, beside the label ${PREVIEW_LABEL}; a Service that is a preview needs that label too.`,
    sidecar: 'Put it on the pod template that gets a sidecar.',
  }[place];
  return {
    code: 'MisplacedAnnotation',
    subject,
    message: `${subject.kind} ${subject.key}: ${PREFIX}${name} has no effect on ${subject.kind === 'Pod' ? 'a pod' : 'a Service without a preview label'}.`,
    hint: where,
  };
}

function unknown(subject: Subject, name: string, places: readonly AnnotationPlace[]): Problem {
  const nearest = nearestName(name, places);
  return {
    code: 'UnknownAnnotation',
    subject,
    message: `${subject.kind} ${subject.key}: there is no annotation ${shorten(`${PREFIX}${name}`)}; it has no effect.`,
    hint:
      nearest === undefined
        ? `Those that are: ${annotationNames(places)
            .map((each) => PREFIX + each)
            .join(', ')}.`
        : `Did you mean ${PREFIX}${nearest}?`,
  };
}

/** The annotation that differs least; of these one that has a meaning on the object, if any. undefined: all are far. */
function nearestName(name: string, places: readonly AnnotationPlace[]): string | undefined {
  if (name.length > MAX_NAME_LENGTH) return undefined;
  const lower = name.toLowerCase().replaceAll('_', '-');
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(name.length / 3)) + 1;
  for (const candidate of [...annotationNames(places), ...annotationNames(['preview', 'baseline', 'sidecar'])]) {
    const distance = editDistance(lower, candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}
