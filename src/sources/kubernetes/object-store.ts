/** What one reflector knows of its objects: cut down, and with what is wrong with each. */
import type { ClusterChange } from '../../model/cluster-state.ts';
import { isFields } from '../../model/field-reader.ts';
import { type ObjectKey, objectKey } from '../../model/names.ts';
import { NO_ITEMS } from '../../model/none.ts';
import type { Problem } from '../../model/problem.ts';
import { sameData } from '../../model/same-data.ts';
import { DEFAULT_NAMESPACE } from '../metadata.ts';
import { type ClusterObject, type Projection, projectKind } from '../objects.ts';
import type { WatchedResource } from './resources.ts';

/** The key of an object that is otherwise not looked at; undefined: it is no object. */
export function nameOfObject(value: unknown): ObjectKey | undefined {
  if (!isFields(value) || !isFields(value['metadata'])) return undefined;
  const { namespace, name } = value['metadata'];
  if (typeof name !== 'string' || name === '') return undefined;
  return objectKey(typeof namespace === 'string' && namespace !== '' ? namespace : DEFAULT_NAMESPACE, name);
}

/** @param value an item of a list, or the object of an event; lists leave its kind out. */
export function project(value: unknown, name: string, { kind }: WatchedResource): Projection {
  return projectKind(kind, value, { subject: { kind, key: name }, place: 'API server' });
}

/** An object that cannot be read keeps its last state, and has a problem, until it can or is gone. */
export class ObjectStore {
  readonly #objects = new Map<string, ClusterObject>();
  readonly #problems = new Map<string, readonly Problem[]>();

  problems(): readonly Problem[] {
    return [...this.#problems.values()].flat();
  }

  /** @param names of all that there is: what else was put is gone. */
  retain(names: ReadonlySet<string>): readonly ClusterChange[] {
    const changes: ClusterChange[] = [];
    for (const known of [this.#objects, this.#problems])
      for (const name of known.keys()) if (!names.has(name)) changes.push(...this.remove(name));
    return changes;
  }

  putAll(objects: Iterable<readonly [name: string, projection: Projection]>): readonly ClusterChange[] {
    const changes: ClusterChange[] = [];
    for (const [name, projection] of objects) for (const change of this.put(name, projection)) changes.push(change);
    return changes;
  }

  put(name: string, { objects, problems, incomplete }: Projection): readonly ClusterChange[] {
    if (problems.length > 0) this.#problems.set(name, problems);
    else if (this.#problems.size > 0) this.#problems.delete(name);
    if (incomplete) return NO_ITEMS;
    const before = this.#objects.get(name);
    const [after] = objects;
    if (after === undefined) return this.#drop(name);
    this.#objects.set(name, after);
    return before !== undefined && sameData(before.object, after.object) ? NO_ITEMS : objects;
  }

  remove(name: string): readonly ClusterChange[] {
    this.#problems.delete(name);
    return this.#drop(name);
  }

  #drop(name: string): readonly ClusterChange[] {
    const before = this.#objects.get(name);
    this.#objects.delete(name);
    return before === undefined ? [] : [{ ...before, object: undefined }];
  }
}
