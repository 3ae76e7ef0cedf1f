/** A baseline Service's own annotations, with their defaults (design, section 2). Whatever cannot be read allows less. */
import type { Service } from '../model/cluster-state.ts';
import { objectKey } from '../model/names.ts';
import { orNone } from '../model/none.ts';
import type { Problem, ProblemCode, Subject } from '../model/problem.ts';
import { shorten } from '../model/shorten.ts';
import { checkNames, checkSize } from './check-keys.ts';
import type { AllowedMode, BaselinePolicy, HostClaim } from './declarations.ts';
import { type AnnotationName, PREFIX } from './keys.ts';
import { MAX_LIST_ENTRIES } from './limits.ts';
import { parseHostClaim } from './parse-host.ts';

const MODES: readonly AllowedMode[] = ['route', 'mirror', 'percent', 'regex'];
const ALL_MODES: ReadonlySet<AllowedMode> = new Set(MODES);
const DEFAULT_ALLOW_MATCH: readonly string[] = ['x-*', 'baggage[*]'];

/** Reads any Service; one with the preview label may be both, then {@link parsePreview} tells its unknown annotations. */
export function parseBaseline(service: Service): BaselinePolicy {
  const subject: Subject = { kind: 'Service', key: objectKey(service.namespace, service.name) };
  const tooLarge = checkSize(service.annotations, subject);
  if (tooLarge !== undefined) return { hosts: [], allowFrom: [], allowMatch: [], allowModes: new Set(), problems: [tooLarge] };
  const reader = new BaselineReader(subject, service.annotations);
  const policy = {
    hosts: reader.hosts(),
    allowFrom: reader.globs(
      'allow-from',
      NAMESPACE_GLOB,
      [service.namespace],
      'Write names of namespaces, * for any, or none alone.',
    ),
    allowMatch: reader.globs(
      'allow-match',
      HEADER_GLOB,
      DEFAULT_ALLOW_MATCH,
      'Write header names, baggage[name], * in either, or none alone.',
    ),
    allowModes: reader.modes(),
  };
  const names = service.previewLabel === '' ? checkNames(service.annotations, subject, ['baseline']) : [];
  return { ...policy, problems: orNone([...reader.problems, ...names]) };
}

const NAMESPACE_GLOB = /^[a-z0-9*-]{1,63}$/;
const HEADER_GLOB = /^([a-z0-9_*-]{1,128}|baggage\[[a-z0-9_*-]{1,128}\])$/;

class BaselineReader {
  readonly problems: Problem[] = [];
  readonly #subject: Subject;
  readonly #annotations: Readonly<Record<string, string>>;

  constructor(subject: Subject, annotations: Readonly<Record<string, string>>) {
    this.#subject = subject;
    this.#annotations = annotations;
  }

  /** An entry that is no host is dropped alone. */
  hosts(): readonly HostClaim[] {
    const claims = new Map<string, HostClaim>();
    for (const entry of this.#list('host') ?? []) {
      const parsed = parseHostClaim(entry);
      if ('hint' in parsed) this.#add('InvalidHost', 'host', parsed.message, parsed.hint);
      else claims.set(`${parsed.host}${parsed.prefix}`, parsed);
    }
    return [...claims.values()];
  }

  globs(name: AnnotationName, form: RegExp, missing: readonly string[], hint: string): readonly string[] {
    const entries = this.#list(name)?.map((entry) => entry.toLowerCase());
    if (entries === undefined) return missing;
    if (entries.length === 1 && entries[0] === 'none') return [];
    const good = entries.filter((entry) => form.test(entry) && entry !== 'none');
    for (const entry of entries) {
      if (good.includes(entry)) continue;
      this.#invalid(name, entry === 'none' ? '"none" beside other entries' : shorten(entry), hint);
    }
    // "none" beside others is a contradiction: the stricter reading counts.
    return entries.includes('none') ? [] : [...new Set(good)];
  }

  modes(): ReadonlySet<AllowedMode> {
    const entries = this.#list('allow-modes');
    if (entries === undefined) return ALL_MODES;
    const modes = new Set<AllowedMode>();
    for (const entry of entries) {
      const mode = MODES.find((each) => each === entry.toLowerCase());
      if (mode === undefined) this.#invalid('allow-modes', shorten(entry), `Write one or more of ${MODES.join(', ')}.`);
      else modes.add(mode);
    }
    return modes;
  }

  /** undefined where the annotation is not there. An empty one, or too many entries, is a problem, and an empty list. */
  #list(name: AnnotationName): readonly string[] | undefined {
    const text = Object.hasOwn(this.#annotations, name) ? this.#annotations[name] : undefined;
    if (text === undefined) return undefined;
    const entries = text.split(',').map((entry) => entry.trim());
    if (entries.length > MAX_LIST_ENTRIES) {
      const message = `has ${entries.length} entries; ${MAX_LIST_ENTRIES} is the limit, and none of them counts.`;
      this.#add('AnnotationTooLarge', name, message, name === 'host' ? 'Spread the hosts over several Services.' : 'Use globs.');
      return [];
    }
    if (!entries.includes('')) return entries;
    this.#add('InvalidValue', name, 'is empty, or has a comma too many.', 'Remove the comma, or the annotation.');
    return entries.filter((entry) => entry !== '');
  }

  #invalid(name: AnnotationName, piece: string, hint: string): void {
    this.#add('InvalidValue', name, `does not take ${piece}; that allows nothing.`, hint);
  }

  #add(code: ProblemCode, name: AnnotationName, what: string, hint: string): void {
    const { kind, key } = this.#subject;
    this.problems.push({ code, subject: this.#subject, message: `${kind} ${key}: ${PREFIX}${name} ${what}`, hint });
  }
}
