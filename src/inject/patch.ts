/** Additions to an object as a JSON patch (RFC 6902), and what becomes of the object by it. Nothing is replaced or removed. */
import type { FieldPath } from '../model/pod-template.ts';

export interface Addition {
  readonly op: 'add';
  /** A JSON pointer. */
  readonly path: string;
  readonly value: unknown;
}

/** Where to add: the last part is a field of a map, or a place in a list (`-`: behind its last item). */
export function addition(path: FieldPath, value: unknown): Addition {
  const parts = path.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1'));
  return { op: 'add', path: parts.map((part) => `/${part}`).join(''), value };
}

/** The parts of its path. */
export function pathOf({ path }: Addition): readonly string[] {
  return path
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The same one, of an object that has this one at `path`. */
export function below(path: FieldPath, { op, path: own, value }: Addition): Addition {
  return { op, path: `${addition(path, undefined).path}${own}`, value };
}

/** A new object; the given one stays. @throws TypeError for a path that the object does not have. */
export function withAdditions<T>(object: T, patch: readonly Addition[]): T {
  const copy = structuredClone(object);
  for (const each of patch) {
    const parts = [...pathOf(each)];
    const last = parts.pop() ?? '';
    const parent = parts.reduce<unknown>((value, part) => Reflect.get(Object(value), part), copy);
    if (Array.isArray(parent)) parent.splice(last === '-' ? parent.length : Number(last), 0, structuredClone(each.value));
    else if (typeof parent === 'object' && parent !== null) Reflect.set(parent, last, structuredClone(each.value));
    else throw new TypeError(`nothing is at ${each.path}`);
  }
  return copy;
}
