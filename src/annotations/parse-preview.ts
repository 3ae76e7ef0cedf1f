/** A preview's label and annotations: text to declaration, or problems (design, section 2). */
import type { Pod, Service } from '../model/cluster-state.ts';
import type { Declaration, Mode, WhenUnavailable } from '../model/intercept.ts';
import { isKey, objectKey } from '../model/names.ts';
import type { Problem, ProblemCode, Subject } from '../model/problem.ts';
import { checkRegex, ruleCost } from '../model/re2.ts';
import type { Rule } from '../model/rule.ts';
import { shorten } from '../model/shorten.ts';
import { checkNames, checkSize } from './check-keys.ts';
import type { ParsedPreview } from './declarations.ts';
import { parseRule } from './header-rule.ts';
import { type AnnotationName, PREFIX, PREVIEW_LABEL } from './keys.ts';
import { MAX_RULE_PROGRAM_SIZE } from './limits.ts';
import { parseSidecar } from './parse-sidecar.ts';
import { parseTargets } from './parse-target.ts';
import { parseInstant } from './timestamp.ts';

/**
 * Reads a pod, or a Service, that has the preview label. An annotation that cannot be read leaves no declaration, since
 * serving the others would do something else than asked; only of several targets the readable ones stay.
 */
export function parsePreview(object: Pod | Service): ParsedPreview {
  const isPod = 'controller' in object;
  const subject: Subject = { kind: isPod ? 'Pod' : 'Service', key: objectKey(object.namespace, object.name) };
  const tooLarge = checkSize(object.annotations, subject);
  const key = isKey(object.previewLabel) ? object.previewLabel : undefined;
  if (tooLarge !== undefined) return { key, declaration: undefined, problems: [tooLarge] };
  const reader = new PreviewReader(subject, object.namespace, object.annotations);
  if (key === undefined) reader.addInvalidKey(object.previewLabel);
  const declaration = reader.read();
  // A Service with the label may be a baseline too.
  const names = checkNames(object.annotations, subject, isPod ? ['preview', 'sidecar'] : ['preview', 'baseline']);
  const sidecar = isPod ? parseSidecar(object.annotations, subject).problems : [];
  return { key, declaration: key === undefined ? undefined : declaration, problems: [...reader.problems, ...sidecar, ...names] };
}

class PreviewReader {
  readonly problems: Problem[] = [];
  readonly #subject: Subject;
  readonly #namespace: string;
  readonly #annotations: Readonly<Record<string, string>>;
  #readable = true;

  constructor(subject: Subject, namespace: string, annotations: Readonly<Record<string, string>>) {
    this.#subject = subject;
    this.#namespace = namespace;
    this.#annotations = annotations;
  }

  read(): Declaration | undefined {
    const declaration: Declaration = {
      targets: this.#targets(),
      rule: this.#rule(),
      whenUnavailable: this.#oneOf<WhenUnavailable>('when-unavailable', ['baseline', 'fail'], 'baseline'),
      mode: this.#oneOf<Mode>('mode', ['route', 'mirror'], 'route'),
      percent: this.#percent(),
      expiresAt: this.#expires(),
    };
    return this.#readable && declaration.targets.length > 0 ? declaration : undefined;
  }

  addInvalidKey(label: string): void {
    const guess = label
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .slice(0, 40)
      .replace(/^-|-$/g, '');
    const hint =
      'A key has lower-case letters, digits and single hyphens between them, 63 characters at most, and is not xn' +
      (isKey(guess) && guess !== label ? `: ${guess}, for example.` : '.');
    this.#add('InvalidKey', `the label ${PREVIEW_LABEL} has the value ${shorten(label)}, which is no key.`, hint);
  }

  #targets(): Declaration['targets'] {
    const text = this.#value('intercept');
    if (text === undefined || text === '') {
      this.#add(
        'MissingIntercept',
        `the label ${PREVIEW_LABEL} makes it a preview, but of which Service it does not say.`,
        `Add the annotation ${PREFIX}intercept with the name of a Service; or remove the label.`,
      );
      return [];
    }
    const { targets, faults } = parseTargets(text, this.#namespace);
    for (const { message, hint } of faults) this.#add('InvalidTarget', `${PREFIX}intercept: ${message}`, hint);
    return targets;
  }

  #rule(): Rule | undefined {
    const text = this.#value('match');
    if (text === undefined) return undefined;
    const parsed = parseRule(text);
    if ('rule' in parsed) {
      for (const { operator, value } of parsed.rule.alternatives.flat()) if (operator === 'regex') this.#regex(value);
      if (this.#readable) this.#cost(ruleCost(parsed.rule));
      return parsed.rule;
    }
    this.#readable = false;
    for (const error of parsed.errors) {
      this.#add(
        parsed.tooLarge ? 'AnnotationTooLarge' : 'InvalidRule',
        `${PREFIX}match: ${error}`,
        'The grammar is in docs/annotations.md.',
      );
    }
    return undefined;
  }

  #regex(pattern: string): void {
    const verdict = checkRegex(pattern);
    if (verdict.ok) return;
    this.#readable = false;
    this.#add(verdict.code, `${PREFIX}match: ${verdict.message}`, verdict.hint);
  }

  #cost(size: number): void {
    if (size <= MAX_RULE_PROGRAM_SIZE) return;
    this.#readable = false;
    this.#add(
      'RegexTooCostly',
      `${PREFIX}match: its regular expressions together can take a program of ${size} instructions; ${MAX_RULE_PROGRAM_SIZE} is the limit.`,
      'Use fewer or shorter ones, or = and ^= instead.',
    );
  }

  #oneOf<Value extends string>(name: AnnotationName, values: readonly Value[], missing: Value): Value {
    const text = this.#value(name);
    if (text === undefined) return missing;
    const found = values.find((value) => value === text);
    if (found === undefined) this.#invalid(name, text, `Write ${values.join(' or ')}.`);
    return found ?? missing;
  }

  #percent(): number {
    const text = this.#value('percent');
    if (text === undefined) return 100;
    if (/^([1-9][0-9]?|100)$/.test(text)) return Number(text);
    this.#invalid('percent', text, 'Write a whole number from 1 to 100, without a sign.');
    return 100;
  }

  #expires(): number | undefined {
    const text = this.#value('expires');
    if (text === undefined) return undefined;
    const instant = parseInstant(text);
    if (instant === undefined)
      this.#invalid('expires', text, 'Write an RFC 3339 instant with its zone, like 2027-01-31T18:00:00Z.');
    return instant;
  }

  #invalid(name: AnnotationName, text: string, hint: string): void {
    this.#readable = false;
    this.#add('InvalidValue', `${PREFIX}${name} does not take the value ${shorten(text)}.`, hint);
  }

  /** Without the space around it, which YAML's block scalars bring. */
  #value(name: AnnotationName): string | undefined {
    return Object.hasOwn(this.#annotations, name) ? this.#annotations[name]?.trim() : undefined;
  }

  #add(code: ProblemCode, message: string, hint: string): void {
    const { kind, key } = this.#subject;
    this.problems.push({ code, subject: this.#subject, message: `${kind} ${key}: ${message}`, hint });
  }
}
