/** Follows a directory of manifests: what its files say, and every change to it. */
import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { ClusterChange } from '../../model/cluster-state.ts';
import type { Problem } from '../../model/problem.ts';
import type { OnBatch, Source, SourceBatch } from '../source.ts';
import { DirectoryState } from './directory-state.ts';
import { FolderTree, inParallel, isGone, isManifest, type Listing, reason } from './folder-tree.ts';
import { type FileRead, readManifests } from './read.ts';

/** Milliseconds, all of them. */
export interface FollowTimes {
  /** From an event to the look, so that the events of one save make one look. */
  readonly gather: number;
  /** Between the two looks that it takes to believe that something is gone or broken. */
  readonly settle: number;
  /** Between looks without an event, should the system have lost one. */
  readonly poll: number;
  /** The same, while the directory is away. */
  readonly retry: number;
  /** From its return until what is not in it counts as gone: it may still be filled. */
  readonly refill: number;
}

export const FOLLOW_TIMES: FollowTimes = { gather: 3, settle: 30, poll: 5_000, retry: 250, refill: 1_000 };

/** Bigger files are not read. */
const MAX_FILE_BYTES = 64 * 1024 * 1024;

/** @param now ms since the epoch. */
export function directorySource(path: string, now: () => number, times: FollowTimes = FOLLOW_TIMES): Source {
  let lastReadAt = 0;
  const onRead = () => {
    lastReadAt = now();
  };
  return {
    name: `directory:${path}`,
    follow: (onBatch) => {
      const follower = new Follower(resolve(path), times, onBatch, onRead);
      follower.start();
      return follower;
    },
    lastReadAt: () => lastReadAt,
  };
}

/** What a first look saw that is only believed at the second. */
interface Doubt {
  readonly fingerprint: string;
  /** When a look that sees the same is the second one, by `performance.now()`. */
  readonly until: number;
  /** undefined: the file is gone. */
  readonly read: FileRead | undefined;
}

const GONE = 'gone';

/** What one look saw. */
interface Sight extends Listing {
  /** false: only what is in `files` was looked at. */
  readonly isComplete: boolean;
}

const READS_AT_A_TIME = 32;

class Follower implements Disposable {
  readonly #root: string;
  readonly #times: FollowTimes;
  readonly #onBatch: OnBatch;
  readonly #onRead: () => void;
  readonly #tree: FolderTree;
  readonly #state = new DirectoryState();
  /** Of each file, what was read last. */
  readonly #fingerprints = new Map<string, string>();
  readonly #doubts = new Map<string, Doubt>();
  /** Files that an event named: read again even if they look the same. */
  #touched = new Set<string>();
  /** From when on the next look is at everything, by `performance.now()`. */
  #listAt = 0;
  #unreadable: ReadonlyMap<string, string> = new Map();
  #emitted: SourceBatch = { changes: [], problems: [], synced: false, trouble: undefined };
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #looking = false;
  /** By `performance.now()`: when the directory was away last. */
  #awayAt = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(root: string, times: FollowTimes, onBatch: OnBatch, onRead: () => void) {
    this.#root = root;
    this.#times = times;
    this.#onBatch = onBatch;
    this.#onRead = onRead;
    this.#tree = new FolderTree(root, (file) => this.#hear(file));
  }

  start(): void {
    this.#lookIn(0);
  }

  /** @param file what an event is about, where it is known */
  #hear(file: string | undefined): void {
    const name = file === undefined ? '' : basename(file);
    const isHidden = name.startsWith('.');
    // The link that all files of a mounted ConfigMap lead through.
    if (isHidden && name !== '..data') return;
    if (file !== undefined && isManifest(name)) this.#touched.add(file);
    else this.#listAt = 0;
    this.#lookIn(this.#times.gather);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#tree[Symbol.dispose]();
  }

  /** The earliest of all wishes counts. */
  #lookIn(ms: number): void {
    const at = performance.now() + ms;
    if (this.#closed || at >= this.#timerAt) return;
    clearTimeout(this.#timer);
    this.#timerAt = at;
    this.#timer = setTimeout(() => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      // One look at a time; what happens meanwhile is seen by the next.
      if (this.#looking) return this.#lookIn(this.#times.gather);
      this.#looking = true;
      // It throws for a bug alone, and that ends the process.
      void this.#look().finally(() => {
        this.#looking = false;
      });
    }, ms);
  }

  async #look(): Promise<void> {
    const touched = this.#touched;
    this.#touched = new Set();
    const sight = await this.#see(touched);
    const trouble = sight.unreadable.get('');
    const changes = trouble === undefined ? await this.#readFiles(sight, touched) : [];
    if (this.#closed) {
      // The listing went on after the end, and may have made watchers.
      this.#tree[Symbol.dispose]();
      return;
    }
    if (trouble === undefined) this.#onRead();
    else this.#goneAway();
    this.#emit(changes, trouble);
    this.#lookIn(Math.max(0, this.#listAt - performance.now()));
    for (const doubt of this.#doubts.values()) this.#lookIn(Math.max(1, doubt.until - performance.now()));
  }

  /** Everything, or what events and doubts name: an edit must not cost more for the files beside it. */
  async #see(touched: ReadonlySet<string>): Promise<Sight> {
    if (performance.now() < this.#listAt && this.#unreadable.size === 0) {
      const files = await this.#tree.lookAt(new Set([...touched, ...this.#doubts.keys()]));
      if (files !== undefined) return { files, unreadable: this.#unreadable, isComplete: false };
    }
    this.#listAt = Number.POSITIVE_INFINITY;
    const listing = await this.#tree.list();
    this.#unreadable = listing.unreadable;
    const pause = listing.unreadable.has('') ? this.#times.retry : this.#times.poll;
    // Unless an event has asked for another one meanwhile.
    this.#listAt = Math.min(this.#listAt, performance.now() + pause);
    return { ...listing, isComplete: true };
  }

  async #readFiles(sight: Sight, touched: ReadonlySet<string>): Promise<readonly ClusterChange[]> {
    const changes: ClusterChange[] = [];
    const due = [...sight.files.keys()].filter((file) => this.#isDue(file, sight.files.get(file), touched)).sort();
    const reads = new Map<string, FileRead>();
    await inParallel(due, READS_AT_A_TIME, async (file) => {
      const read = await this.#readFile(file);
      if (read !== undefined) reads.set(file, read);
    });
    for (const [file, { fingerprint, until, read }] of [...this.#doubts]) {
      const isSame = sight.files.get(file) === fingerprint && !touched.has(file);
      if (isSame && performance.now() >= until) changes.push(...this.#believe(file, fingerprint, read));
    }
    for (const file of due) {
      const read = reads.get(file);
      const fingerprint = sight.files.get(file);
      this.#doubts.delete(file);
      if (read === undefined || fingerprint === undefined) continue;
      if (this.#emitted.synced && (read.incomplete || this.#state.takesAway(file, read)))
        this.#doubts.set(file, this.#doubt(fingerprint, read));
      else changes.push(...this.#believe(file, fingerprint, read));
    }
    return sight.isComplete ? [...changes, ...this.#missFiles(sight)] : changes;
  }

  /** Whether it has to be read: not where a doubt about just this state of it waits for its second look. */
  #isDue(file: string, fingerprint: string | undefined, touched: ReadonlySet<string>): boolean {
    const seen = this.#doubts.get(file)?.fingerprint ?? this.#fingerprints.get(file);
    return touched.has(file) || seen !== fingerprint;
  }

  #missFiles({ files, unreadable }: Listing): readonly ClusterChange[] {
    const changes: ClusterChange[] = [];
    for (const file of [...this.#state.files]) {
      if (files.has(file) || isBelow(file, unreadable)) continue;
      const doubt = this.#doubts.get(file);
      if (doubt?.fingerprint !== GONE) this.#doubts.set(file, this.#doubt(GONE, undefined));
      else if (performance.now() >= doubt.until) changes.push(...this.#believe(file, GONE, undefined));
    }
    for (const [file, doubt] of this.#doubts) if (doubt.fingerprint !== GONE && !files.has(file)) this.#doubts.delete(file);
    return changes;
  }

  /** An editor that writes in place shows an empty or half a file for a moment, one that renames shows none. */
  #doubt(fingerprint: string, read: FileRead | undefined): Doubt {
    const now = performance.now();
    const refilling = now < this.#awayAt + this.#times.refill;
    return { fingerprint, read, until: now + (refilling ? this.#times.refill : this.#times.settle) };
  }

  /** Files go one by one before their directory does: those doubts are settled by its going. */
  #goneAway(): void {
    this.#doubts.clear();
    this.#awayAt = performance.now();
  }

  #believe(file: string, fingerprint: string, read: FileRead | undefined): readonly ClusterChange[] {
    this.#doubts.delete(file);
    if (fingerprint === GONE) this.#fingerprints.delete(file);
    else this.#fingerprints.set(file, fingerprint);
    return this.#state.update(file, read);
  }

  /** undefined: it is not there any more. */
  async #readFile(file: string): Promise<FileRead | undefined> {
    const last = this.#state.lastRead(file);
    try {
      const path = join(this.#root, file);
      const { size } = await stat(path);
      if (size <= MAX_FILE_BYTES) return readManifests(await readFile(path, 'utf8'), file, last);
      return { ...last, incomplete: true, problems: [fileProblem(file, `is larger than ${MAX_FILE_BYTES} bytes`)] };
    } catch (error) {
      if (isGone(error)) return undefined;
      return { ...last, incomplete: true, problems: [fileProblem(file, `cannot be read: ${reason(error)}`)] };
    }
  }

  #emit(changes: readonly ClusterChange[], why: string | undefined): void {
    const trouble = why === undefined ? undefined : `the directory ${this.#root} cannot be read: ${why}`;
    const unreadable =
      trouble === undefined ? [...this.#unreadable].map(([path, text]) => fileProblem(path, `cannot be read: ${text}`)) : [];
    const problems = [...(trouble === undefined ? [] : [unavailable(trouble)]), ...unreadable, ...this.#state.problems()];
    const synced = this.#emitted.synced || trouble === undefined;
    const before = this.#emitted;
    if (
      changes.length === 0 &&
      synced === before.synced &&
      trouble === before.trouble &&
      isDeepStrictEqual(problems, before.problems)
    )
      return;
    this.#emitted = { changes, problems, synced, trouble };
    this.#onBatch(this.#emitted);
  }
}

function isBelow(file: string, folders: ReadonlyMap<string, string>): boolean {
  for (const folder of folders.keys()) if (file === folder || file.startsWith(`${folder}/`)) return true;
  return false;
}

function fileProblem(file: string, what: string): Problem {
  const hint = 'What it said last is served until it can be read.';
  return { code: 'InvalidObject', subject: { kind: 'File', key: file }, message: `${file} ${what}.`, hint };
}

function unavailable(trouble: string): Problem {
  return {
    code: 'SourceUnavailable',
    subject: { kind: 'File', key: '.' },
    message: `${trouble[0]?.toUpperCase() ?? ''}${trouble.slice(1)}.`,
    hint: 'Put it back; what it said last is served until then.',
  };
}
