/** Lists the manifest files of a directory, and watches every folder that it passes. */
import { type BigIntStats, type FSWatcher, watch } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** By its name alone. */
export function isManifest(name: string): boolean {
  return /\.(ya?ml|json)$/.test(name);
}

export interface Listing {
  /** By path below the root: a text that differs when the file does. */
  readonly files: ReadonlyMap<string, string>;
  /** Folders and files that are there and cannot be read, with the reason; '' is the root. */
  readonly unreadable: ReadonlyMap<string, string>;
}

/** The system's calls at a time: enough to keep its threads busy. */
const AT_A_TIME = 32;

/**
 * One watcher for each folder: they are made while listing, before the folder is read, so that nothing happens unseen
 * between the two. A folder without one (no more inotify watches) is still seen by the next listing.
 */
export class FolderTree implements Disposable {
  readonly #root: string;
  readonly #onEvent: (file: string | undefined) => void;
  /** By path below the root. */
  readonly #watchers = new Map<string, { readonly watcher: FSWatcher; readonly identity: string }>();

  /** @param onEvent told the path below the root, where it is known. */
  constructor(root: string, onEvent: (file: string | undefined) => void) {
    this.#root = root;
    this.#onEvent = onEvent;
  }

  async list(): Promise<Listing> {
    const files = new Map<string, string>();
    const unreadable = new Map<string, string>();
    const visited = new Set<string>();
    const passed = new Set<string>();
    // Breadth first; symbolic links are followed (mounted ConfigMaps are made of them), each folder once.
    for (let folders = ['']; folders.length > 0; ) {
      const found: string[] = [];
      for (const folder of folders) {
        try {
          const stats = await stat(join(this.#root, folder), { bigint: true });
          const identity = `${stats.dev}:${stats.ino}`;
          if (visited.has(identity)) continue;
          visited.add(identity);
          passed.add(folder);
          this.#watch(folder, identity);
          found.push(...(await this.#listFolder(folder, files, unreadable)));
        } catch (error) {
          const gone = isGone(error) && folder !== '';
          if (!gone) unreadable.set(folder, reason(error));
        }
      }
      folders = found;
    }
    for (const [folder, { watcher }] of this.#watchers) {
      if (passed.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    return { files, unreadable };
  }

  /** The fingerprints of these files alone; undefined when one of them is no file any more, or cannot be looked at. */
  async lookAt(files: Iterable<string>): Promise<ReadonlyMap<string, string> | undefined> {
    const found = new Map<string, string>();
    try {
      for (const file of files) {
        const stats = await stat(join(this.#root, file), { bigint: true });
        if (!stats.isFile()) return undefined;
        found.set(file, fingerprint(stats));
      }
      return found;
    } catch {
      // Why it cannot be looked at is for a listing to say.
      return undefined;
    }
  }

  async #listFolder(folder: string, files: Map<string, string>, unreadable: Map<string, string>): Promise<readonly string[]> {
    const folders: string[] = [];
    const entries = await readdir(join(this.#root, folder), { withFileTypes: true });
    // Hidden: editors' swap files, and the versions behind a mounted ConfigMap's links.
    const candidates = entries.filter(
      (entry) => !entry.name.startsWith('.') && (entry.isDirectory() || entry.isSymbolicLink() || isManifest(entry.name)),
    );
    await inParallel(candidates, AT_A_TIME, async ({ name }) => {
      const path = folder === '' ? name : `${folder}/${name}`;
      try {
        const stats = await stat(join(this.#root, path), { bigint: true });
        if (stats.isDirectory()) folders.push(path);
        else if (stats.isFile() && isManifest(name)) files.set(path, fingerprint(stats));
      } catch (error) {
        if (!isGone(error)) unreadable.set(path, reason(error));
      }
    });
    return folders.sort();
  }

  #watch(folder: string, identity: string): void {
    const known = this.#watchers.get(folder);
    if (known?.identity === identity) return;
    known?.watcher.close();
    this.#watchers.delete(folder);
    let watcher: FSWatcher;
    try {
      watcher = watch(join(this.#root, folder), { persistent: false });
    } catch {
      return;
    }
    watcher.on('change', (_, name) => {
      const file = name === null ? undefined : name.toString();
      this.#onEvent(file === undefined || folder === '' ? file : `${folder}/${file}`);
    });
    watcher.on('error', () => {
      watcher.close();
      if (this.#watchers.get(folder)?.watcher === watcher) this.#watchers.delete(folder);
    });
    this.#watchers.set(folder, { watcher, identity });
  }

  [Symbol.dispose](): void {
    for (const { watcher } of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }
}

function fingerprint(stats: BigIntStats): string {
  return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`;
}

export function isGone(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP';
}

/** `ENOENT` and a few words, as the system says it. */
export function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error && typeof error.code === 'string' ? (error.message.split(',')[0] ?? error.code) : error.message;
}

/** @param limit how many at a time */
export async function inParallel<T>(items: Iterable<T>, limit: number, task: (item: T) => Promise<void>): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (let next = waiting.next(); next.done !== true; next = waiting.next()) await task(next.value);
  };
  await Promise.all(Array.from({ length: limit }, work));
}
