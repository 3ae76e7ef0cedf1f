/** The line of a manifest that a problem is about. */
import { PREFIX, PREVIEW_LABEL } from '../../annotations/keys.ts';
import { isFields } from '../../model/field-reader.ts';
import { type FieldPath, fieldAt } from '../../model/pod-template.ts';
import type { Problem, ProblemCode } from '../../model/problem.ts';
import type { ManifestObject } from '../manifest-objects.ts';

/** What a problem is about that does not name its annotation. */
const ABOUT: Partial<Record<ProblemCode, string>> = {
  InvalidTarget: 'intercept',
  UnknownService: 'intercept',
  UnknownPort: 'intercept',
  PortNotHttp: 'intercept',
  ExternalName: 'intercept',
  NamespaceNotAllowed: 'intercept',
  DuplicateKey: 'preview',
  NoPreviewUrl: 'preview',
  MissingIntercept: 'preview',
  PreviewInBaseline: 'preview',
  Expired: 'expires',
  RuleTooBroad: 'match',
  HeaderNotAllowed: 'match',
  Shadowed: 'match',
  Shadows: 'match',
  ModeNotAllowed: 'mode',
  InvalidHost: 'host',
  HostTaken: 'host',
  DuplicateHost: 'host',
};

/** @param template where the metadata of its pods is; the object's own is looked at too. */
export function lineOfProblem(object: ManifestObject, template: FieldPath, problem: Problem): number {
  const isOwn = problem.message.includes('on its own metadata');
  const places = isOwn ? [[]] : [template, []];
  const names = [
    namedIn(object, places, problem.message),
    `${PREFIX}${ABOUT[problem.code] ?? ''}`,
    `${PREFIX}host`,
    PREVIEW_LABEL,
  ];
  for (const name of names) {
    for (const place of places) {
      for (const map of ['annotations', 'labels']) {
        const path = [...place, 'metadata', map];
        const entries = fieldAt(object.value, path);
        if (name !== undefined && isFields(entries) && Object.hasOwn(entries, name)) return object.lineOf([...path, name]);
      }
    }
  }
  return object.lineOf([]);
}

/** The longest of the object's own names that the message has: `detour.dev/match` is in `detour.dev/matches` too. */
function namedIn(object: ManifestObject, places: readonly FieldPath[], message: string): string | undefined {
  const names = places.flatMap((place) =>
    ['annotations', 'labels'].flatMap((map) => {
      const entries = fieldAt(object.value, [...place, 'metadata', map]);
      return isFields(entries) ? Object.keys(entries).filter((name) => name.startsWith(PREFIX)) : [];
    }),
  );
  return names.filter((name) => message.includes(name)).sort((a, b) => b.length - a.length)[0];
}
