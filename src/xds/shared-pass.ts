/**
 * Streams that come with nothing, or that are at the same point and take everything, are told the same: that is worked
 * out once, and its bytes are put together once, for all of them.
 */
import type { Entry } from './entry.ts';
import type { Item } from './pass.ts';
import type { EncodedResource } from './resource.ts';

/** All that is after a cursor, for a stream that has just what the cursor says. Nothing in it is a removal. */
export class SharedPass {
  readonly items: ReadonlyMap<string, Item>;
  readonly resources: readonly EncodedResource[];
  /** The number of the last change in it; Infinity: it goes to the end. */
  readonly reached: number;
  /** Whether any of it sends requests to clusters. */
  readonly needsClusters: boolean;
  /** Whether it is for streams that have none of it. */
  readonly isFresh: boolean;
  #body: Buffer | undefined;
  #endpointsNames: ReadonlySet<string> | undefined;

  constructor(items: ReadonlyMap<string, Item>, resources: readonly EncodedResource[], reached: number) {
    this.items = items;
    this.resources = resources;
    this.reached = reached;
    this.isFresh = [...items.values()].every(({ had }) => had === undefined);
    this.needsClusters = resources.some(({ clusters }) => clusters.length > 0);
  }

  /** The resources one after the other, as entries of a delta response. */
  get body(): Buffer {
    this.#body ??= Buffer.concat(this.resources.map(({ bytes }) => bytes));
    return this.#body;
  }

  /** Of clusters: the names of their endpoints. */
  get endpointsNames(): ReadonlySet<string> {
    this.#endpointsNames ??= new Set(this.resources.flatMap(({ endpointsName }) => endpointsName ?? []));
    return this.#endpointsNames;
  }
}

/** Fewer changes are looked at as fast by each stream for itself. */
const WORTH_SHARING = 16;

/** The order in which the names of a type changed. */
export interface Changes {
  /** Entries that changed after `cursor`, each once, in the order of their newest change. */
  since(cursor: number): Iterable<Entry>;
  /** How many changes there were after `cursor`, superseded ones included. */
  countSince(cursor: number): number;
}

export class SharedPasses {
  readonly #log: Changes;
  readonly #worthSharing: number;
  readonly #passes = new Map<string, SharedPass | undefined>();

  /** @param worthSharing from how many changes on */
  constructor(log: Changes, worthSharing = WORTH_SHARING) {
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
    if (this.#log.countSince(cursor) < this.#worthSharing) return undefined;
    const key = `${cursor} ${maxBytes}`;
    if (!this.#passes.has(key)) this.#passes.set(key, this.#make(cursor, maxBytes));
    return this.#passes.get(key);
  }

  #make(cursor: number, maxBytes: number): SharedPass | undefined {
    const items = new Map<string, Item>();
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
          resources.push(sent);
        }
      }
      if (!isFull) reached = entry.seq;
      // What is left must be found again behind `reached` as it is found behind `cursor`.
      else if (had?.version !== versionAt(entry, reached)) return undefined;
    }
    return items.size === 0 ? undefined : new SharedPass(items, resources, isFull ? reached : Infinity);
  }
}

function versionAt(entry: Entry, cursor: number): string | undefined {
  return entry.at(cursor)?.version;
}
