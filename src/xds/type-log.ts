/**
 * The resources of one type in one view, with the order in which they changed. A stream keeps only a cursor, the number
 * of the last change that it took; what it has can be read from here, and what is new costs what changed.
 */
import { Entry } from './entry.ts';
import { IdSet } from './id-set.ts';
import { NameTable } from './name-table.ts';
import { Reaches } from './reach.ts';
import { type Differences, RecentStates } from './recent-states.ts';
import type { EncodedResource } from './resource.ts';
import type { SetDigest } from './set-digest.ts';
import { SetVersion } from './set-version.ts';
import { SharedPasses } from './shared-pass.ts';
import { VersionColumn } from './version-column.ts';

export class TypeLog {
  readonly names = new NameTable();
  readonly shared: SharedPasses;
  /** By id. */
  readonly #entries: (Entry | undefined)[] = [];
  #log: { readonly seq: number; readonly entry: Entry }[] = [];
  readonly #version = new SetVersion();
  readonly #live = new IdSet();
  /** Of resources that name resources of this type. */
  readonly reaches = new Reaches((name) => this.entry(name));
  /** Made when somebody comes back, or is expected to. */
  #states: RecentStates | undefined;
  /** Of what there is. */
  readonly versions = new VersionColumn();

  /** @param worthSharing see {@link SharedPasses} */
  constructor(worthSharing = (): number => Infinity) {
    this.shared = new SharedPasses(this, worthSharing);
  }

  /** How many resources there are. */
  get size(): number {
    return this.#live.size;
  }

  /** Ids of the resources that there are. */
  get live(): IdSet {
    return this.#live;
  }

  /** The number of the newest change of this type; 0: none. */
  get newestSeq(): number {
    return this.#log.at(-1)?.seq ?? 0;
  }

  /** Of all resources together. */
  get version(): string {
    return this.#version.toString();
  }

  entry(name: string): Entry | undefined {
    const id = this.names.find(name);
    return id === undefined ? undefined : this.#entries[id];
  }

  /** @param id -1 stands for none */
  entryOf(id: number): Entry | undefined {
    return this.#entries[id];
  }

  /** Those that are gone included, as long as a stream may still have them. */
  *entries(): Generator<Entry> {
    for (const entry of this.#entries) if (entry !== undefined) yield entry;
  }

  /**
   * @param known the entry of the name, if there is one
   * @returns whether anything changed: equal bytes are no change, and take no number.
   */
  apply(seq: number, name: string, resource: EncodedResource | undefined, known: Entry | undefined): boolean {
    this.shared.clear();
    this.reaches.clear();
    const before = known?.current;
    if (before?.version === resource?.version) {
      if (resource !== undefined) known?.replace(resource);
      return false;
    }
    const entry = known ?? this.#make(name);
    if (before !== undefined) this.#version.delete(before.version);
    if (resource !== undefined) this.#version.add(resource.version);
    if (resource === undefined) this.#live.delete(entry.id);
    else this.#live.add(entry.id);
    this.versions.set(entry.id, resource?.version);
    entry.set(seq, resource);
    this.#states?.changed(name, before?.version, resource?.version);
    this.#log.push({ seq, entry });
    return true;
  }

  /** Entries that changed after `cursor`, each once, in the order of their newest change. */
  *since(cursor: number): Generator<Entry> {
    for (let index = this.#position(cursor); index < this.#log.length; index += 1) {
      const item = this.#log[index];
      if (item !== undefined && item.entry.seq === item.seq) yield item.entry;
    }
  }

  /** See {@link RecentStates.find}. */
  recognize(entries: SetDigest, names: SetDigest | undefined): Differences | undefined {
    return this.#recentStates().find(entries, names, this.#log);
  }

  /** Does now what the first one who comes back would wait for. */
  expectReturns(): void {
    this.#recentStates();
  }

  /** How many changes there were after `cursor`, superseded ones included. */
  countSince(cursor: number): number {
    return this.#log.length - this.#position(cursor);
  }

  /** Whether {@link compact} is worth its cost, which is that of all resources. */
  get isLong(): boolean {
    return this.#log.length > 64 + 2 * this.#live.size;
  }

  /**
   * Drops superseded changes, and states that no stream has any more.
   * @param cursors of every stream of the view
   * @param subscribed ids that streams refer to
   */
  compact(cursors: readonly number[], subscribed: IdSet): void {
    this.shared.clear();
    this.reaches.clear();
    for (const entry of this.entries()) {
      if (entry.prune(cursors)) this.#entries[entry.id] = undefined;
      else subscribed.add(entry.id);
    }
    this.#log = this.#log.filter(({ seq, entry }) => entry.seq === seq && this.#entries[entry.id] === entry);
    this.#states?.forgetPast();
    this.names.sweep(subscribed);
  }

  /** Whether {@link forgetNames} is worth its cost, which is that of all names. */
  get hasManyNames(): boolean {
    return this.names.isLong(this.#live.size);
  }

  /** Forgets names that nobody refers to. @param subscribed as of {@link compact} */
  forgetNames(subscribed: IdSet): void {
    for (const { id } of this.entries()) subscribed.add(id);
    this.names.sweep(subscribed);
  }

  #recentStates(): RecentStates {
    this.#states ??= new RecentStates(this.entries());
    return this.#states;
  }

  #make(name: string): Entry {
    const entry = new Entry(name, this.names.idOf(name));
    this.#entries[entry.id] = entry;
    return entry;
  }

  /** Index of the first change after `cursor`. */
  #position(cursor: number): number {
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#log[middle]?.seq ?? 0) <= cursor) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
