/** Which rules never get a request, because a rule before them takes all that they match. */
import { formatPredicate, formatSubject } from '../annotations/header-rule.ts';
import type { RuleEntry } from '../model/intercept.ts';
import { compareText } from '../model/order.ts';
import type { Alternative, Predicate } from '../model/rule.ts';

/** Wider rules on one header that a rule is held against; equal ones are found however many there are. */
const WIDER_RULES_TRIED = 100;

/**
 * @param ordered rules of one port, first match wins.
 * @returns by entry, the first one before it of another intercept that wholly covers it.
 */
export function coveredEntries(ordered: readonly RuleEntry[]): ReadonlyMap<RuleEntry, RuleEntry> {
  const covered = new Map<RuleEntry, RuleEntry>();
  const firstEqual = new Map<string, RuleEntry>();
  const wider = new Map<string, RuleEntry[]>();
  for (const entry of ordered) {
    const text = canonicalText(entry.alternative);
    const equal = firstEqual.get(text);
    const cover = equal ?? widerEntry(entry, wider);
    if (cover !== undefined && cover.intercept.id !== entry.intercept.id) covered.set(entry, cover);
    if (equal === undefined) firstEqual.set(text, entry);
    remember(entry, wider);
  }
  return covered;
}

/** Whether every request that matches `narrow` matches `wide` too. May say no where it is so, never yes where it is not. */
export function covers(wide: Alternative, narrow: Alternative): boolean {
  return wide.every((predicate) => narrow.some((given) => implies(given, predicate)));
}

function implies(given: Predicate, then: Predicate): boolean {
  if (given.subject.kind !== then.subject.kind || given.subject.name !== then.subject.name) return false;
  if (given.operator === then.operator && given.value === then.value) return true;
  switch (given.operator) {
    case 'exact':
      return holdsFor(given.value, then);
    case 'prefix':
      return (then.operator === 'prefix' && given.value.startsWith(then.value)) || part(given, then);
    case 'suffix':
      return (then.operator === 'suffix' && given.value.endsWith(then.value)) || part(given, then);
    case 'contains':
      return part(given, then);
    default:
      return false;
  }
}

/** A value that contains the one contains the other, and is there. */
function part(given: Predicate, then: Predicate): boolean {
  return then.operator === 'present' || (then.operator === 'contains' && given.value.includes(then.value));
}

/** Regexes are not run here: they only cover themselves. */
function holdsFor(value: string, predicate: Predicate): boolean {
  switch (predicate.operator) {
    case 'exact':
      return value === predicate.value;
    case 'prefix':
      return value.startsWith(predicate.value);
    case 'suffix':
      return value.endsWith(predicate.value);
    case 'contains':
      return value.includes(predicate.value);
    case 'present':
      return true;
    default:
      return false;
  }
}

/** Only a rule with another operator than exact can be wider than one that comes later, as that has no more predicates. */
function remember(entry: RuleEntry, wider: Map<string, RuleEntry[]>): void {
  const [first] = entry.alternative;
  if (first === undefined || entry.alternative.every(({ operator }) => operator === 'exact')) return;
  const subject = formatSubject(first.subject);
  const entries = wider.get(subject);
  if (entries === undefined) wider.set(subject, [entry]);
  else if (entries.length < WIDER_RULES_TRIED) entries.push(entry);
}

function widerEntry(entry: RuleEntry, wider: ReadonlyMap<string, readonly RuleEntry[]>): RuleEntry | undefined {
  for (const subject of new Set(entry.alternative.map((predicate) => formatSubject(predicate.subject)))) {
    const found = wider
      .get(subject)
      ?.find((other) => other.intercept.id !== entry.intercept.id && covers(other.alternative, entry.alternative));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Equal for alternatives with the same predicates, in whatever order. */
function canonicalText(alternative: Alternative): string {
  return alternative.map(formatPredicate).sort(compareText).join(', ');
}
