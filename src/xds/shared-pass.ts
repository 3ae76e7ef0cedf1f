/**
 * Streams that come with nothing, or that are at the same point and take everything, are told the same: that is worked
 * out once, and its bytes are put together once, for all of them.
 */
import { NO_ITEMS } from '../model/none.ts';
import type { Entry } from './entry.ts';
import { IdSet } from './id-set.ts';
import type { NameTable } from './name-table.ts';
import type { Item } from './pass.ts';
import type { EncodedResource } from './resource.ts';
import { commonParts } from './wire.ts';

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
  #common: { readonly version: string; readonly parts: readonly Buffer[] } | undefined;
  #endpointsNames: ReadonlySet<string> | undefined;
  #endpointsIds: { readonly of: NameTable; readonly sweeps: number; readonly ids: IdSet } | undefined;

  constructor(items: ReadonlyMap<string, Item>, ids: IdSet, resources: readonly EncodedResource[], reached: number) {
    this.items = items;
    this.ids = ids;
    this.resources = resources;
    this.reached = reached;
    this.needsClusters = resources.some(({ clusters }) => clusters.length > 0);
  }

  /** Of delta responses: all but the nonce. @param version of the type, the same until there is another pass */
  common(typeUrl: string, version: string): readonly Buffer[] {
    if (this.#common?.version !== version) {
      const entries = this.resources.map(({ bytes }) => bytes);
      this.#common = { version, parts: commonParts(typeUrl, version, entries) };
    }
    return this.#common.parts;
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

/** What there is of a type, and the order in which it changed. */
export interface Changes {
  /** Entries that changed after `cursor`, each once, in the order of their newest change. */
  since(cursor: number): Iterable<Entry>;
  /** How many changes there were after `cursor`, superseded ones included. */
  countSince(cursor: number): number;
  /** Ids of the resources that there are. */
  readonly live: IdSet;
  entryOf(id: number): Entry | undefined;
}

/** Streams of one scope ask for the same names, in parts. */
const MAX_NAMED = 32;

export class SharedPasses {
  readonly #log: Changes;
  readonly #worthSharing: () => number;
  /** undefined: none, as in most views most of the time. */
  #passes: Map<string, SharedPass | undefined> | undefined;
  /** The newest last. */
  #named: readonly { readonly ids: IdSet; readonly maxBytes: number; readonly pass: SharedPass }[] = NO_ITEMS;

  /** @param worthSharing from how many changes on */
  constructor(log: Changes, worthSharing: () => number) {
    this.#log = log;
    this.#worthSharing = worthSharing;
  }

  /** The log is another one now. */
  clear(): void {
    this.#passes = undefined;
    this.#named = NO_ITEMS;
  }

  /**
   * What a stream is told that has all up to `cursor`, in a response of up to `maxBytes`.
   * @returns undefined where that is little, or not the same for all
   */
  after(cursor: number, maxBytes: number): SharedPass | undefined {
    if (this.#log.countSince(cursor) < this.#worthSharing()) return undefined;
    const key = `${cursor} ${maxBytes}`;
    this.#passes ??= new Map();
    if (!this.#passes.has(key)) this.#passes.set(key, this.#make(cursor, maxBytes));
    return this.#passes.get(key);
  }

  /**
   * What a stream is told that asked for these names and has none of them, in a response of up to `maxBytes`.
   * @returns undefined where that is little, or not all of them are there
   */
  ofNames(ids: IdSet, maxBytes: number): SharedPass | undefined {
    if (ids.size === 0 || ids.size < this.#worthSharing() || !this.#log.live.hasAll(ids)) return undefined;
    const known = this.#named.find((each) => each.maxBytes === maxBytes && each.ids.equals(ids));
    if (known !== undefined) return known.pass;
    const filling = new Filling(maxBytes);
    for (const id of ids) {
      const entry = this.#log.entryOf(id);
      if (entry?.current !== undefined && !filling.add(entry, entry.current, undefined)) break;
    }
    const pass = filling.pass(Infinity);
    this.#named = [...this.#named.slice(1 - MAX_NAMED), { ids: ids.copy(), maxBytes, pass }];
    return pass;
  }

  #make(cursor: number, maxBytes: number): SharedPass | undefined {
    const filling = new Filling(maxBytes);
    let reached = cursor;
    let isFull = false;
    for (const entry of this.#log.since(cursor)) {
      const sent = entry.current;
      const had = entry.at(cursor);
      if (!isFull && sent?.version !== had?.version) {
        // Whether a removal may be told differs from stream to stream.
        if (sent === undefined) return undefined;
        isFull = !filling.add(entry, sent, had);
      }
      if (!isFull) reached = entry.seq;
      // What is left must be found again behind `reached` as it is found behind `cursor`.
      else if (had?.version !== entry.at(reached)?.version) return undefined;
    }
    return filling.isEmpty ? undefined : filling.pass(isFull ? reached : Infinity);
  }
}

/** A pass under way. */
class Filling {
  readonly #items = new Map<string, Item>();
  readonly #ids = new IdSet();
  readonly #resources: EncodedResource[] = [];
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get isEmpty(): boolean {
    return this.#items.size === 0;
  }

  /** @returns whether there was room for it: for the first one there always is. */
  add({ name, id }: Entry, sent: EncodedResource, had: EncodedResource | undefined): boolean {
    if (this.#items.size > 0 && this.#bytes + sent.bytes.length > this.#maxBytes) return false;
    this.#bytes += sent.bytes.length;
    this.#items.set(name, { sent, had });
    this.#ids.add(id);
    this.#resources.push(sent);
    return true;
  }

  pass(reached: number): SharedPass {
    return new SharedPass(this.#items, this.#ids, this.#resources, reached);
  }
}
