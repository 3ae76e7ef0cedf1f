/** Nothing, as one object for all who have none: a cluster has tens of thousands of them. */

export const NO_ITEMS: readonly never[] = Object.freeze([]);
export const NO_MEMBERS: ReadonlySet<never> = new Set<never>();
export const NO_ENTRIES: ReadonlyMap<never, never> = new Map<never, never>();

/** `items`, or the one empty list. */
export function orNone<T>(items: readonly T[]): readonly T[] {
  return items.length === 0 ? NO_ITEMS : items;
}
