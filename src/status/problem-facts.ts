/** Problems as facts about the objects where people look for them. */
import { type ObjectKey, previewOfIntercept, splitObjectKey } from '../model/names.ts';
import { PROBLEMS, type Problem } from '../model/problem.ts';
import { digest } from './digest.ts';
import { type EventTarget, type Fact, targetName } from './fact.ts';

/** @returns what owns the pod; undefined where that is not known. */
export type OwnerOf = (pod: ObjectKey) => EventTarget | undefined;

/** Of an intercept the problems with one code are one fact; others are told apart by what they say. */
export function problemFacts(problems: Iterable<Problem>, ownerOf: OwnerOf): readonly Fact[] {
  const groups = new Map<string, { readonly target: EventTarget; readonly problem: Problem; readonly texts: Set<string> }>();
  for (const problem of problems) {
    const target = targetOf(problem, ownerOf);
    if (target === undefined) continue;
    const text = textOf(problem);
    const topic = `problem ${problem.code} ${targetName(target)} ${problem.intercept ?? digest(text)}`;
    const group = groups.get(topic);
    if (group === undefined) groups.set(topic, { target, problem, texts: new Set([text]) });
    else group.texts.add(text);
  }
  return [...groups].map(
    ([
      topic,
      {
        target,
        problem: { code },
        texts,
      },
    ]) => {
      const { severity } = PROBLEMS[code];
      const text = [...texts].sort().join(' ');
      return {
        target,
        topic,
        reason: code,
        type: severity === 'notice' ? 'Normal' : 'Warning',
        text,
        version: digest(text),
        ending: severity === 'notice' ? 'ConflictOver' : 'ProblemSolved',
        repeats: severity !== 'notice',
      };
    },
  );
}

/** A Service's problem is told there; a preview's on the workload, for its pods come and go. */
function targetOf({ subject, intercept }: Problem, ownerOf: OwnerOf): EventTarget | undefined {
  const { kind } = subject;
  if (kind === 'File') return undefined;
  if (kind === 'Pod' && intercept !== undefined) return previewTarget(previewOfIntercept(intercept));
  if (!isObjectKey(subject.key)) return undefined;
  const itself = { kind, ...splitObjectKey(subject.key) };
  return kind === 'Pod' ? (ownerOf(subject.key) ?? itself) : itself;
}

/** Without the key: two previews of one workload are told on the same object. */
export function previewTarget({ kind, namespace, name }: EventTarget): EventTarget {
  return { kind, namespace, name };
}

/** Without the pod's name at its beginning: a rollout is the same problem on other pods. */
function textOf({ subject, message, hint }: Problem): string {
  const prefix = `Pod ${subject.key}: `;
  const own = subject.kind === 'Pod' && message.startsWith(prefix) ? capital(message.slice(prefix.length)) : message;
  return hint === '' ? own : `${own} ${hint}`;
}

function capital(text: string): string {
  return text.startsWith('detour.dev/') ? text : text.charAt(0).toUpperCase() + text.slice(1);
}

function isObjectKey(key: string): key is ObjectKey {
  return key.includes('/');
}
