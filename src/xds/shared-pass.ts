/**
 * Streams that come with nothing, or that are at the same point and take everything, are told the same: that is worked
 * out once, and its bytes are put together once, for all of them.
 */
import type { Entry } from './entry.ts';
import { IdSet } from './id-set.ts';
import type { NameTable } from './name-table.ts';
import type { Item } from './pass.ts';
import type { EncodedResource } from './resource.ts';

/** All that is after a cursor, for a stream that has just what the cursor says. Nothing in it is a removal. */
export class SharedPass {
  readonly items: ReadonlyMap<string, Item>;
  /** Of the names of the items. */
  readonly ids: IdSet;
  readonly resources: readonly EncodedResource[];
  /** The number of the last change in it; Infinity: it goes to the end. */
  readonly reached: number;
  /** Whether any of it sends requests to clusters. */
  readonly needsClusters: boolean;
  #isFresh: boolean | undefined;
  #body: Buffer | undefined;
  #endpointsNames: ReadonlySet<string> | undefined;
  #endpointsIds: { readonly of: NameTable; readonly sweeps: number; readonly ids: IdSet } | undefined;

  constructor(items: ReadonlyMap<string, Item>, ids: IdSet, resources: readonly EncodedResource[], reached: number) {
    this.items = items;
    this.ids = ids;
    this.resources = resources;
    this.reached = reached;
    this.needsClusters = resources.some(({ clusters }) => clusters.length > 0);
  }

  /** Whether it is for streams that have none of it. */
  get isFresh(): boolean {
    this.#isFresh ??= [...this.items.values()].every(({ had }) => had === undefined);
    return this.#isFresh;
  }

  /** The resources one after the other, as entries of a delta response. */
  get body(): Buffer {
    const [first] = this.resources;
    this.#body ??=
      this.resources.length === 1 && first !== undefined ? first.bytes : Buffer.concat(this.resources.map(({ bytes }) => bytes));
    return this.#body;
  }

  /** Of clusters: the names of their endpoints. */
  get endpointsNames(): ReadonlySet<string> {
    this.#endpointsNames ??= new Set(this.resources.flatMap(({ endpointsName }) => endpointsName ?? []));
    return this.#endpointsNames;
  }

  /** The same, by the numbers that they have now. */
  endpointsIds(names: NameTable): IdSet {
    const known = this.#endpointsIds;
    if (known?.of === names && known.sweeps === names.sweeps) return known.ids;
    const ids = new IdSet();
    for (const name of this.endpointsNames) ids.add(names.idOf(name));
    this.#endpointsIds = { of: names, sweeps: names.sweeps, ids };
    return ids;
  }
}

/** The order in which the names of a type changed. */
export interface Changes {
  /** Entries that changed after `cursor`, each once, in the order of their newest change. */
  since(cursor: number): Iterable<Entry>;
  /** How many changes there were after `cursor`, superseded ones included. */
  countSince(cursor: number): number;
}

export class SharedPasses {
  readonly #log: Changes;
  readonly #worthSharing: () => number;
  readonly #passes = new Map<string, SharedPass | undefined>();

  /** @param worthSharing from how many changes on */
  constructor(log: Changes, worthSharing: () => number) {
    this.#log = log;
    this.#worthSharing = worthSharing;
  }

  /** The log is another one now. */
  clear(): void {
    this.#passes.clear();
  }

  /**
   * What a stream is told that has all up to `cursor`, in a response of up to `maxBytes`.
   * @returns undefined where that is little, or not the same for all
   */
  after(cursor: number, maxBytes: number): SharedPass | undefined {
    if (this.#log.countSince(cursor) < this.#worthSharing()) return undefined;
    const key = `${cursor} ${maxBytes}`;
    if (!this.#passes.has(key)) this.#passes.set(key, this.#make(cursor, maxBytes));
    return this.#passes.get(key);
  }

  #make(cursor: number, maxBytes: number): SharedPass | undefined {
    const items = new Map<string, Item>();
    const ids = new IdSet();
    const resources: EncodedResource[] = [];
    let bytes = 0;
    let reached = cursor;
    let isFull = false;
    for (const entry of this.#log.since(cursor)) {
      const sent = entry.current;
      const had = entry.at(cursor);
      if (!isFull && sent?.version !== had?.version) {
        // Whether a removal may be told differs from stream to stream.
        if (sent === undefined) return undefined;
        isFull = items.size > 0 && bytes + sent.bytes.length > maxBytes;
        if (!isFull) {
          bytes += sent.bytes.length;
          items.set(entry.name, { sent, had });
          ids.add(entry.id);
          resources.push(sent);
        }
      }
      if (!isFull) reached = entry.seq;
      // What is left must be found again behind `reached` as it is found behind `cursor`.
      else if (had?.version !== versionAt(entry, reached)) return undefined;
    }
    return items.size === 0 ? undefined : new SharedPass(items, ids, resources, isFull ? reached : Infinity);
  }
}

function versionAt(entry: Entry, cursor: number): string | undefined {
  return entry.at(cursor)?.version;
}
