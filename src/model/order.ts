/**
 * Every order that decides something: who wins where several want the same (design, section 2, "Conflicts").
 * All are total and made of names and contents alone, never of the order of arrival, so that they are the same on
 * every replica and after every restart. Texts are compared by code unit: no locale has a say.
 */
import type { RuleEntry } from './intercept.ts';
import type { PreviewName } from './names.ts';
import type { Alternative, Operator } from './rule.ts';

/** -1, 0 or 1. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** By namespace, then by name; kind and key only break ties. */
export function comparePreviews(a: PreviewName, b: PreviewName): number {
  return (
    compareText(a.namespace, b.namespace) ||
    compareText(a.name, b.name) ||
    compareText(a.kind, b.kind) ||
    compareText(a.key, b.key)
  );
}

/** Anything with an age: the older first, then by namespace and name. */
export function compareByAge(a: Aged, b: Aged): number {
  return a.createdAt - b.createdAt || compareText(a.namespace, b.namespace) || compareText(a.name, b.name);
}

export interface Aged {
  readonly createdAt: number;
  readonly namespace: string;
  readonly name: string;
}

/** How much an operator says about the value: the lower, the more. */
const OPERATOR_RANK: Readonly<Record<Operator, number>> = {
  exact: 0,
  prefix: 1,
  suffix: 1,
  contains: 2,
  regex: 3,
  present: 4,
  absent: 4,
};

/**
 * The rules of one port, first match wins. The key is not here: a request with the key of a live intercept goes there
 * before any rule is looked at.
 * 1. More predicates first: who asks for more is meant more narrowly.
 * 2. Then by operators: the best of each alternative are compared first, then their second best, and so on.
 * 3. Then by the preview's namespace and name, and by the place of the alternative in its own rule.
 */
export function orderRules(entries: readonly RuleEntry[]): readonly RuleEntry[] {
  // What is compared is worked out once for each entry: one port may have thousands.
  return entries
    .map((entry) => ({ entry, operators: operatorRanks(entry.alternative), place: placeOf(entry) }))
    .sort(
      (a, b) =>
        b.operators.length - a.operators.length ||
        compareText(a.operators, b.operators) ||
        comparePreviews(a.entry.intercept.preview, b.entry.intercept.preview) ||
        a.place - b.place,
    )
    .map(({ entry }) => entry);
}

/** One digit a predicate, the best first: as texts of one length these compare as the lists of ranks do. */
function operatorRanks(alternative: Alternative): string {
  return alternative
    .map((predicate) => OPERATOR_RANK[predicate.operator])
    .sort((a, b) => a - b)
    .join('');
}

function placeOf(entry: RuleEntry): number {
  return entry.intercept.rule?.alternatives.indexOf(entry.alternative) ?? -1;
}
