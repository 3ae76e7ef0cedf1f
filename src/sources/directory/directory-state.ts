/** What the files of a directory say together: one object for each kind and name, whichever files name it. */
import { isDeepStrictEqual } from 'node:util';
import type { ClusterChange } from '../../model/cluster-state.ts';
import type { Problem } from '../../model/problem.ts';
import { type ClusterObject, clusterObjectId } from '../objects.ts';
import { EMPTY_FILE, type FileRead } from './read.ts';

interface FileState {
  readonly read: FileRead;
  /** By {@link clusterObjectId}: what it says, and what it said before if it is incomplete. */
  readonly objects: ReadonlyMap<string, ClusterObject>;
  readonly duplicates: readonly Problem[];
}

/**
 * The first file by name wins an object that several declare. From a file of which a part cannot be read nothing is
 * taken away until it can: the last state of its objects holds on.
 */
export class DirectoryState {
  readonly #files = new Map<string, FileState>();
  /** Object id → the files that declare it. */
  readonly #declaredBy = new Map<string, Set<string>>();
  readonly #current = new Map<string, ClusterObject>();
  /** Files with problems of their own, and objects of several files: usually few. */
  readonly #faulty = new Set<string>();
  readonly #contested = new Set<string>();

  get files(): Iterable<string> {
    return this.#files.keys();
  }

  /** For {@link readManifests}: what this file was read as last. */
  lastRead(file: string): FileRead {
    return this.#files.get(file)?.read ?? EMPTY_FILE;
  }

  /** Whether `read` lacks something that the file said before. */
  takesAway(file: string, read: FileRead): boolean {
    const before = this.#files.get(file)?.objects;
    if (before === undefined || before.size === 0) return false;
    const now = new Set(read.objects.map(clusterObjectId));
    return [...before.keys()].some((id) => !now.has(id));
  }

  /** @param read undefined: the file is gone. */
  update(file: string, read: FileRead | undefined): readonly ClusterChange[] {
    const before = this.#files.get(file)?.objects ?? new Map<string, ClusterObject>();
    const after = new Map<string, ClusterObject>();
    const duplicates: Problem[] = [];
    for (const object of read?.objects ?? []) {
      const id = clusterObjectId(object);
      if (after.has(id)) duplicates.push(duplicateProblem(object, file, file));
      else after.set(id, object);
    }
    if (read?.incomplete === true) for (const [id, object] of before) if (!after.has(id)) after.set(id, object);

    if (read === undefined) this.#files.delete(file);
    else this.#files.set(file, { read, objects: after, duplicates });
    if (this.#ownProblems(file).length > 0) this.#faulty.add(file);
    else this.#faulty.delete(file);
    for (const id of before.keys()) if (!after.has(id)) this.#undeclare(id, file);
    for (const id of after.keys()) this.#declare(id, file);
    return [...new Set([...before.keys(), ...after.keys()])].flatMap((id) => this.#resolve(id) ?? []);
  }

  /** In the order of the files' names, then those between files. */
  problems(): readonly Problem[] {
    return [...[...this.#faulty].sort().flatMap((name) => this.#ownProblems(name)), ...this.#duplicates()];
  }

  #ownProblems(name: string): readonly Problem[] {
    const file = this.#files.get(name);
    return file === undefined ? [] : [...file.read.problems, ...file.duplicates];
  }

  #duplicates(): readonly Problem[] {
    return [...this.#contested].sort().flatMap((id) => {
      const [first = '', ...others] = [...(this.#declaredBy.get(id) ?? [])].sort();
      const object = this.#current.get(id);
      return object === undefined ? [] : others.map((other) => duplicateProblem(object, other, first));
    });
  }

  #declare(id: string, file: string): void {
    const files = this.#declaredBy.get(id) ?? new Set();
    this.#declaredBy.set(id, files.add(file));
    if (files.size > 1) this.#contested.add(id);
  }

  #undeclare(id: string, file: string): void {
    const files = this.#declaredBy.get(id);
    files?.delete(file);
    if (files === undefined || files.size < 2) this.#contested.delete(id);
    if (files?.size === 0) this.#declaredBy.delete(id);
  }

  /** The change to one object, if there is one. */
  #resolve(id: string): ClusterChange | undefined {
    const before = this.#current.get(id);
    const [first] = [...(this.#declaredBy.get(id) ?? [])].sort();
    const after = first === undefined ? undefined : this.#files.get(first)?.objects.get(id);
    if (after !== undefined) {
      this.#current.set(id, after);
      return before !== undefined && isDeepStrictEqual(before.object, after.object) ? undefined : after;
    }
    this.#current.delete(id);
    return before === undefined ? undefined : { ...before, object: undefined };
  }
}

/** @param winner the file whose declaration counts. */
export function duplicateProblem(object: ClusterObject, file: string, winner: string): Problem {
  const where = file === winner ? `twice in ${file}` : `in ${file} and in ${winner}`;
  return {
    code: 'DuplicateObject',
    subject: { kind: 'File', key: file },
    message: `${object.kind} ${object.key} is declared ${where}; ${file === winner ? 'its first declaration' : winner} counts.`,
    hint: 'Remove one of the two.',
  };
}
