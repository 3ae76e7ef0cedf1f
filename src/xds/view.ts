/**
 * The resources that Envoys of one scope have in common, and the order in which they changed. One for each scope,
 * shared by all its streams.
 */
import type { InterceptId } from '../model/names.ts';
import { NO_ITEMS } from '../model/none.ts';
import type { ResourceType } from '../translate/resource.ts';
import { emptyAssignment } from './empty-assignment.ts';
import { IdSet } from './id-set.ts';
import type { EncodedResource } from './resource.ts';
import { TypeLog } from './type-log.ts';
import { PUSH_ORDER } from './type-urls.ts';

/** `resource` is undefined when the name is gone. */
export interface EncodedChange {
  readonly type: ResourceType;
  readonly name: string;
  readonly resource: EncodedResource | undefined;
}

/** Whoever reads a view says what it still needs of the past. */
export interface ViewReader {
  /** Change numbers as of which it may still ask what a name was. */
  cursorsOf(type: ResourceType): Iterable<number>;
  /** Ids of the names that it is subscribed to. */
  idsOf(type: ResourceType): IdSet | undefined;
}

/** What {@link View.apply} did. */
export interface Applied {
  /** The view's newest change number. */
  readonly seq: number;
  /** How many resources are different now. */
  readonly changed: number;
  /** Intercepts that shape or shaped what changed. */
  readonly intercepts: ReadonlySet<InterceptId>;
}

/** What Envoys go by who ask for routes by a name that is not there, or not any more; undefined: nobody does. */
type Leftover = (name: string) => EncodedResource | undefined;

const NO_IDS = new IdSet();

/** A listener that drains asks for one; a pod has few. */
const MAX_LEFTOVERS = 256;

/** Of fewer resources of a type, who comes back waits a few milliseconds at most. */
const WORTH_EXPECTING = 500;

export class View {
  readonly key: string;
  /** Of which types its resources can be at all, now or later. */
  readonly types: ReadonlySet<ResourceType>;
  readonly #logs: ReadonlyMap<ResourceType, TypeLog>;
  readonly #readers = new Set<ViewReader>();
  /** How many clusters take their endpoints from a name. */
  readonly #endpointsUsers = new Map<string, number>();
  /** Names of the ClusterLoadAssignments that were given; the others are ours, and empty. */
  readonly #given = new Set<string>();
  readonly #byIntercept = new Map<InterceptId, Set<EncodedResource>>();
  readonly #leftover: Leftover | undefined;
  /** Names of the routes that are there because somebody asks for them, and for nothing else. */
  readonly #left = new Set<string>();
  #seq = 0;

  /**
   * @param types that its resources can be of
   * @param worthSharing of so many changes, streams that are told the same share the work: {@link SharedPasses}; unless
   *   told, of any, when there are several streams
   * @param leftover undefined: routes that are gone are gone
   */
  constructor(key: string, types: ReadonlySet<ResourceType>, worthSharing?: number, leftover?: Leftover) {
    this.key = key;
    this.types = types;
    this.#leftover = leftover;
    const least = (): number => worthSharing ?? (this.#readers.size > 1 ? 1 : Infinity);
    this.#logs = new Map(PUSH_ORDER.map(({ type }) => [type, new TypeLog(least)]));
  }

  /** The number of the newest change, over all types. */
  get seq(): number {
    return this.#seq;
  }

  /** How many resources there are, over all types. */
  get size(): number {
    return PUSH_ORDER.reduce((sum, { type }) => sum + this.log(type).size, 0);
  }

  log(type: ResourceType): TypeLog {
    const log = this.#logs.get(type);
    if (log === undefined) throw new Error(`The push order lacks the resource type ${type}.`);
    return log;
  }

  attach(reader: ViewReader): void {
    this.#readers.add(reader);
  }

  detach(reader: ViewReader): void {
    this.#readers.delete(reader);
    for (const [type, { names }] of this.#logs) names.release(reader.idsOf(type)?.size ?? 0);
  }

  /** A reader may have asked for names that nobody had asked for. All that it refers to is in what it says of itself. */
  asked(type: ResourceType): void {
    const log = this.log(type);
    if (log.hasManyNames) log.forgetNames(this.#idsOf(type));
  }

  /** To be called now and then: names that were given up are forgotten, also where nobody asks for others. */
  tidy(): void {
    for (const [type, log] of this.#logs) if (log.names.isLoose) log.forgetNames(this.#idsOf(type));
  }

  /** Streams may break and come back, all at once. */
  expectReturns(): void {
    for (const log of this.#logs.values()) if (log.size >= WORTH_EXPECTING) log.expectReturns();
  }

  /** The newest resources that an intercept shaped. */
  resourcesOf(intercept: InterceptId): Iterable<EncodedResource> {
    return this.#byIntercept.get(intercept) ?? [];
  }

  apply(changes: readonly EncodedChange[]): Applied {
    const intercepts = new Set<InterceptId>();
    const endpoints = new Set<string>();
    let changed = 0;
    const set = ({ type, name, resource: given }: EncodedChange): void => {
      const log = this.log(type);
      const known = log.entry(name);
      const before = known?.current;
      const resource = type === 'route' && given === undefined ? this.#leave(name) : given;
      if (before === resource) return;
      if (type === 'route' && given !== undefined) this.#left.delete(name);
      this.#index(before, resource);
      if (type === 'cluster') this.#count(before, resource, endpoints);
      if (!log.apply(this.#seq + 1, name, resource, known)) return;
      this.#seq += 1;
      changed += 1;
      for (const id of before?.intercepts ?? NO_ITEMS) intercepts.add(id);
      for (const id of resource?.intercepts ?? NO_ITEMS) intercepts.add(id);
    };
    for (const change of changes) {
      if (change.type !== 'endpoints') {
        set(change);
      } else if (change.resource !== undefined) {
        this.#given.add(change.name);
        set(change);
      } else {
        this.#given.delete(change.name);
        endpoints.add(change.name);
      }
    }
    // M6, R5: while a cluster uses the name there is something to send, even if it is empty.
    for (const name of endpoints) {
      if (this.#given.has(name)) continue;
      const resource = this.#endpointsUsers.has(name) ? emptyAssignment(name) : undefined;
      set({ type: 'endpoints', name, resource });
    }
    if (changed > 0) this.#compact();
    return { seq: this.#seq, changed, intercepts };
  }

  /**
   * A stream asks for routes by these names. Envoy goes by routes that are gone, for as long as it asks for them (R6):
   * for names that nothing is planned for there is then something that needs no cluster which may be gone.
   */
  supply(names: Iterable<string>): void {
    if (this.#leftover === undefined) return;
    const log = this.log('route');
    const missing = [...names].filter((name) => log.entry(name)?.current === undefined);
    if (missing.length === 0) return;
    if (this.#left.size + missing.length > MAX_LEFTOVERS) {
      const unused = [...this.#left].filter((name) => !this.#isAskedFor(name));
      this.#put(unused, () => undefined);
      for (const name of unused) this.#left.delete(name);
    }
    const room = MAX_LEFTOVERS - this.#left.size;
    const known = missing.filter((name) => this.#leftover?.(name) !== undefined).slice(0, Math.max(0, room));
    this.#put(known, this.#leftover);
    for (const name of known) this.#left.add(name);
  }

  /** Whether a name stands for what is planned, and not for what is left of it. */
  isPlanned(type: ResourceType, name: string): boolean {
    return this.log(type).entry(name)?.current !== undefined && !(type === 'route' && this.#left.has(name));
  }

  #put(names: readonly string[], resourceOf: Leftover): void {
    const log = this.log('route');
    for (const name of names) if (log.apply(this.#seq + 1, name, resourceOf(name), log.entry(name))) this.#seq += 1;
    if (names.length > 0) this.#compact();
  }

  /** @returns what takes the place of routes that are gone. */
  #leave(name: string): EncodedResource | undefined {
    const resource = this.#isAskedFor(name) ? this.#leftover?.(name) : undefined;
    if (resource === undefined) this.#left.delete(name);
    else this.#left.add(name);
    return resource;
  }

  #isAskedFor(name: string): boolean {
    const id = this.log('route').names.find(name);
    if (id === undefined) return false;
    for (const reader of this.#readers) if (reader.idsOf('route')?.has(id) === true) return true;
    return false;
  }

  #index(before: EncodedResource | undefined, after: EncodedResource | undefined): void {
    for (const id of before?.intercepts ?? NO_ITEMS) {
      const resources = this.#byIntercept.get(id);
      if (before !== undefined) resources?.delete(before);
      if (resources?.size === 0) this.#byIntercept.delete(id);
    }
    for (const id of after?.intercepts ?? NO_ITEMS) {
      const resources = this.#byIntercept.get(id) ?? new Set();
      if (after !== undefined) resources.add(after);
      this.#byIntercept.set(id, resources);
    }
  }

  #count(before: EncodedResource | undefined, after: EncodedResource | undefined, touched: Set<string>): void {
    const old = before?.endpointsName;
    const now = after?.endpointsName;
    if (old !== undefined) {
      const rest = (this.#endpointsUsers.get(old) ?? 0) - 1;
      if (rest > 0) this.#endpointsUsers.set(old, rest);
      else this.#endpointsUsers.delete(old);
      touched.add(old);
    }
    if (now !== undefined) {
      this.#endpointsUsers.set(now, (this.#endpointsUsers.get(now) ?? 0) + 1);
      touched.add(now);
    }
  }

  /** What no stream has any more is dropped, now and then, so that the cost of a change stays that of the change. */
  #compact(): void {
    for (const [type, log] of this.#logs) {
      if (!log.isLong) continue;
      const cursors = new Set<number>();
      for (const reader of this.#readers) for (const cursor of reader.cursorsOf(type)) cursors.add(cursor);
      log.compact([...cursors], this.#idsOf(type));
    }
  }

  /** Ids of all names that readers are subscribed to. */
  #idsOf(type: ResourceType): IdSet {
    const ids = new IdSet();
    for (const reader of this.#readers) ids.addAll(reader.idsOf(type) ?? NO_IDS);
    return ids;
  }
}
