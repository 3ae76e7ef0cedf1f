/** `detour.dev/intercept`: text to targets (design, section 2). */
import type { Target } from '../model/intercept.ts';
import { isDnsLabel, objectKey } from '../model/names.ts';
import { shorten } from '../model/shorten.ts';
import { MAX_LIST_ENTRIES } from './limits.ts';

/** A sentence that says what is wrong, and one that says the fix. */
export interface TargetFault {
  readonly message: string;
  readonly hint: string;
}

export interface ParsedTargets {
  /** Those that can be read, and contradict no other. */
  readonly targets: readonly Target[];
  readonly faults: readonly TargetFault[];
}

const FORM = 'The form is service.namespace:port=targetPort; all but the service may be left out.';

/** @param namespace the preview's own, for targets that name none. */
export function parseTargets(text: string, namespace: string): ParsedTargets {
  const entries = text.split(',');
  if (entries.length > MAX_LIST_ENTRIES) {
    const message = `It names ${entries.length} targets; ${MAX_LIST_ENTRIES} is the limit.`;
    return { targets: [], faults: [{ message, hint: 'Spread them over several previews.' }] };
  }
  const faults: TargetFault[] = [];
  const targets: Target[] = [];
  for (const entry of entries) {
    const parsed = parseTarget(entry.trim(), namespace);
    if ('hint' in parsed) faults.push(parsed);
    else targets.push(parsed);
  }
  return withoutOverlaps(targets, faults);
}

function parseTarget(entry: string, namespace: string): Target | TargetFault {
  if (entry === '') return { message: 'There is a comma too many, or no target at all.', hint: FORM };
  const equals = entry.indexOf('=');
  const left = equals === -1 ? entry : entry.slice(0, equals);
  const colon = left.indexOf(':');
  const name = parseServiceName((colon === -1 ? left : left.slice(0, colon)).trim(), entry);
  if ('hint' in name) return name;
  const port = colon === -1 ? undefined : parsePort(left.slice(colon + 1).trim());
  if (colon !== -1 && port === undefined) return noPort('a port', left.slice(colon + 1), entry);
  const targetPort = equals === -1 ? undefined : parsePort(entry.slice(equals + 1).trim());
  if (equals !== -1 && targetPort === undefined) return noPort('a targetPort', entry.slice(equals + 1), entry);
  return { service: objectKey(name.namespace ?? namespace, name.service), port, targetPort };
}

function parseServiceName(
  text: string,
  entry: string,
): { readonly service: string; readonly namespace: string | undefined } | TargetFault {
  const [service = '', namespace, ...more] = text.split('.', 4);
  if (more.length > 0) {
    return {
      message: `${shorten(entry)} has too many dots.`,
      hint: `Write ${isDnsLabel(service) && isDnsLabel(namespace ?? '') ? `${service}.${namespace}` : 'service.namespace'}, without svc and the cluster's domain.`,
    };
  }
  if (isDnsLabel(service) && (namespace === undefined || isDnsLabel(namespace))) return { service, namespace };
  const slash = /^([a-z0-9-]+)\/([a-z0-9-]+)$/.exec(text);
  const hint = slash === null ? FORM : `A namespace stands behind the service: ${slash[2]}.${slash[1]}`;
  return { message: `${shorten(entry)} names no Service.`, hint };
}

/** A number from 1 to 65535, or a name: a DNS label that is no number. */
function parsePort(text: string): string | number | undefined {
  if (/^[0-9]+$/.test(text)) return /^[1-9][0-9]{0,4}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
  return isDnsLabel(text) ? text : undefined;
}

function noPort(what: string, text: string, entry: string): TargetFault {
  const message = `${shorten(text.trim())} in ${shorten(entry)} is not ${what}.`;
  return { message, hint: 'Write a number from 1 to 65535, or the name of a port.' };
}

/**
 * Of targets that take the same port, the wider one stays where both would do the same with it, and none where they
 * would not: it cannot be known which is meant. Ports that are one by name and by number only the Service can tell.
 */
function withoutOverlaps(targets: readonly Target[], faults: readonly TargetFault[]): ParsedTargets {
  let kept: Target[] = [];
  const contradicted = new Set<Target>();
  const all = [...faults];
  for (const target of targets) {
    const others = kept.filter((other) => overlap(other, target));
    const [other] = others;
    if (other === undefined) {
      kept.push(target);
      continue;
    }
    all.push({
      message: `${shorten(formatTarget(other))} and ${shorten(formatTarget(target))} name the same port twice.`,
      hint:
        other.port === target.port ? 'Remove one.' : 'A target without a port takes all HTTP ports of its Service; remove one.',
    });
    if (others.some(({ targetPort }) => targetPort !== target.targetPort)) {
      for (const each of [...others, target]) contradicted.add(each);
    }
    if (target.port === undefined) kept = [...kept.filter((each) => !others.includes(each)), target];
  }
  return { targets: kept.filter((target) => !contradicted.has(target)), faults: all };
}

function overlap(a: Target, b: Target): boolean {
  return a.service === b.service && (a.port === undefined || b.port === undefined || a.port === b.port);
}

/** As a message quotes it, the namespace always said. */
function formatTarget({ service, port, targetPort }: Target): string {
  const slash = service.indexOf('/');
  const name = `${service.slice(slash + 1)}.${service.slice(0, slash)}`;
  return `${name}${port === undefined ? '' : `:${port}`}${targetPort === undefined ? '' : `=${targetPort}`}`;
}
