/** Plain data that never changes, marked as such: what is made of it once need not be made again. */

const MARK = Symbol('constant');

/** Freezes it, and all that is in it. For data of the program itself, of which there is little. */
export function constant<T extends object>(value: T): T {
  for (const part of Object.values(value))
    if (typeof part === 'object' && part !== null && !Object.isFrozen(part)) constant(part);
  return Object.freeze(Object.defineProperty(value, MARK, { value: true }));
}

export function isConstant(value: object): boolean {
  return MARK in value;
}
