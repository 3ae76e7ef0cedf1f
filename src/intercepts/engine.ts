/** The one door of this room: changes of the cluster in, the model and what changed in it out. */
import type { BaselinePolicy } from '../annotations/declarations.ts';
import { parseBaseline } from '../annotations/parse-baseline.ts';
import type { ClusterChange, EndpointSlice, Pod, Service } from '../model/cluster-state.ts';
import type { Declaration, Intercept, InterceptModel, ModelChange, ServiceModel } from '../model/intercept.ts';
import { Multimap } from '../model/multimap.ts';
import type { ObjectKey } from '../model/names.ts';
import { NO_ITEMS, NO_MEMBERS } from '../model/none.ts';
import { compareText } from '../model/order.ts';
import type { Problem } from '../model/problem.ts';
import { keep, sameData } from '../model/same-data.ts';
import { type BuiltService, buildService } from './build-service.ts';
import { declarationFaults, type TargetService } from './candidates.ts';
import { ClusterIndex, podsOf } from './cluster-index.ts';
import type { Fault } from './fault.ts';
import { HostBook } from './host-book.ts';
import { diffIntercepts } from './intercept-diff.ts';
import { leaksOf } from './leaks.ts';
import { LiveKeys } from './live-keys.ts';
import { PodBook } from './pod-book.ts';
import { type Preview, type PreviewChange, Previews } from './previews.ts';
import { ProblemBook } from './problem-book.ts';
import { Roles } from './roles.ts';

/** What is known of one Service: in one place, since a cluster has tens of thousands. */
interface Notes {
  policy: BaselinePolicy | undefined;
  target: TargetService | undefined;
  built: BuiltService | undefined;
}

export interface InterceptSettings {
  /** How long a preview without pods stays; 30,000 by default. */
  readonly lingerMs?: number;
}

/**
 * Knows who depends on whom, and builds again only what a change can have touched. No I/O and no clock: times come in,
 * as ms since the epoch. What is built is a function of the objects and the time alone, but for the linger.
 */
export class InterceptEngine {
  /** One object for good: its maps always show the newest state. The values in them never change. */
  readonly model: InterceptModel;

  readonly #index = new ClusterIndex();
  readonly #previews: Previews;
  readonly #hosts = new HostBook(this.#index);
  readonly #problems = new ProblemBook();
  readonly #keys = new LiveKeys();
  readonly #roles = new Roles();
  readonly #services = new Map<ObjectKey, ServiceModel>();
  readonly #pods: PodBook;

  /** Of Services that are there, and of those that previews name. */
  readonly #notes = new Map<ObjectKey, Notes>();
  readonly #previewsByService = new Multimap<ObjectKey, string>();
  readonly #previewsById = new Map<string, Preview>();

  readonly #dirtyServices = new Set<ObjectKey>();
  #servicesBuilt = 0;

  constructor(settings: InterceptSettings = {}) {
    this.#previews = new Previews(this.#index, settings.lingerMs ?? 30_000);
    this.#pods = new PodBook({
      index: this.#index,
      previews: this.#previews,
      roles: this.#roles,
      isLeftOut: (service, pod) => this.#notes.get(service)?.built?.leftOut.has(pod) ?? false,
    });
    this.model = {
      services: this.#services,
      hosts: this.#hosts.models,
      pods: this.#pods,
      keys: this.#keys.keys,
      problems: this.#problems.bySubject,
    };
  }

  /** How many Services were built since the start: the measure of this room's work. */
  get servicesBuilt(): number {
    return this.#servicesBuilt;
  }

  /** Folds changes in, in their order, and what is due by time. */
  apply(changes: readonly ClusterChange[], now: number): ModelChange {
    this.take(changes);
    return this.#update(now);
  }

  /** Notes changes and builds nothing yet: the model is what it was until the next {@link apply}. */
  take(changes: readonly ClusterChange[]): void {
    for (const change of changes) this.#fold(change);
  }

  /** What happens by time alone: expiry, and the end of linger. */
  tick(now: number): ModelChange {
    return this.#update(now);
  }

  /** ms since the epoch of the next thing that {@link tick} would do; undefined: none. */
  nextDeadline(): number | undefined {
    return this.#previews.nextDeadline();
  }

  /** What the Services that are there now say to a preview that is not, in this namespace. */
  faultsOf(declaration: Declaration, namespace: string): readonly Fault[] {
    const services = new Set(declaration.targets.map(({ service }) => service));
    return [...services].flatMap((key) => {
      const [service, policy] = [this.#index.services.get(key), this.#notes.get(key)?.policy];
      const target = service === undefined || policy === undefined ? undefined : { service, policy };
      return declarationFaults(declaration, namespace, key, target);
    });
  }

  /** Every intercept, by id. */
  intercepts(): Iterable<Intercept> {
    return [...this.#notes.values()]
      .flatMap(({ built }) => built?.intercepts ?? NO_ITEMS)
      .sort((a, b) => compareText(a.id, b.id));
  }

  /** Every preview, by id; also those that stand in for nothing, since their annotations cannot be read. */
  previews(): Iterable<Preview> {
    return [...this.#previewsById.values()].sort((a, b) => compareText(a.id, b.id));
  }

  /** Every problem: by subject those that belong to no intercept, then those of the intercepts. */
  *problems(): Iterable<Problem> {
    for (const [, problems] of [...this.#problems.bySubject].sort(([a], [b]) => compareText(a, b))) yield* problems;
    for (const intercept of this.intercepts()) yield* intercept.problems;
  }

  #fold(change: ClusterChange): void {
    const { key } = change;
    if (change.kind === 'service') {
      const before = this.#index.services.get(key);
      if (sameData(before, change.object)) return;
      this.#index.apply(change);
      this.#serviceChanged(key, before, change.object);
    } else if (change.kind === 'slice') {
      const before = this.#index.slices.get(key);
      if (sameData(before, change.object)) return;
      this.#index.apply(change);
      this.#sliceChanged(before, change.object);
    } else {
      const before = this.#index.pods.get(key);
      if (sameData(before, change.object)) return;
      this.#index.apply(change);
      this.#podChanged(key, before, change.object);
    }
  }

  #serviceChanged(key: ObjectKey, before: Service | undefined, after: Service | undefined): void {
    const notes = this.#notesOf(key);
    const policy = after && keep(notes.policy, parseBaseline(after));
    notes.policy = policy;
    this.#hosts.serviceChanged(key, policy?.hosts ?? []);
    this.#previews.serviceChanged(key, before, after);
    this.#dirtyServices.add(key);
    // Its pods know its ports, and the preview that it may be.
    if (this.#pods.isAsked) for (const slice of this.#index.slicesOf(key)) this.#pods.touchAll(podsOf(slice));
  }

  #sliceChanged(before: EndpointSlice | undefined, after: EndpointSlice | undefined): void {
    for (const slice of [before, after]) {
      if (slice === undefined) continue;
      this.#dirtyServices.add(slice.service);
      this.#previews.endpointsChanged(slice.service);
    }
    // Until somebody asks for a pod, nobody has to know which changed.
    if (!this.#pods.isAsked) return;
    const was = podsOf(before);
    const is = podsOf(after);
    const alike = before?.service === after?.service && sameData(before?.ports, after?.ports);
    this.#pods.touchAll(alike ? eitherNotBoth(was, is) : [...was, ...is]);
  }

  #podChanged(key: ObjectKey, before: Pod | undefined, after: Pod | undefined): void {
    this.#previews.podChanged(key, before, after);
    this.#pods.touch(key);
    const alike =
      before?.leaving === after?.leaving &&
      before?.previewLabel === after?.previewLabel &&
      sameData(before?.controller, after?.controller);
    if (!alike) addAll(this.#dirtyServices, this.#index.servicesWith(key));
  }

  /** In this order, as each looks at what those before it made. */
  #update(now: number): ModelChange {
    for (const change of this.#previews.refresh(now)) this.#previewChanged(change);
    const hosts = this.#refreshHosts();
    const services = this.#refreshServices();
    const pods = this.#pods.refresh();
    return { services, hosts, pods, keys: this.#keys.takeChanged() };
  }

  #previewChanged({ id, before, after }: PreviewChange): void {
    const was = servicesOf(before);
    const is = servicesOf(after);
    for (const service of was) this.#previewsByService.delete(service, id);
    for (const service of is) this.#previewsByService.add(service, id);
    if (after === undefined) this.#previewsById.delete(id);
    else this.#previewsById.set(id, after);
    addAll(this.#dirtyServices, [...was, ...is]);
    this.#problems.set(`preview ${id}`, after?.problems ?? []);
    // Which baselines its pods must not be in depends on the Services that it names.
    const alike = sameData(was, is) && (before?.declaration === undefined) === (after?.declaration === undefined);
    if (alike && after?.declaration !== undefined) return;
    for (const pod of this.#previews.podsOf(id)) {
      this.#pods.touch(pod);
      addAll(this.#dirtyServices, this.#index.servicesWith(pod));
    }
  }

  #refreshHosts(): ReadonlySet<string> {
    const changed = new Set<string>();
    for (const { host, before, after, problems } of this.#hosts.refresh()) {
      this.#problems.set(`host ${host}`, problems);
      if (before === after) continue;
      changed.add(host);
      for (const { service } of before?.paths ?? NO_ITEMS) this.#dirtyServices.add(service);
      for (const { service } of after?.paths ?? NO_ITEMS) this.#dirtyServices.add(service);
    }
    return changed;
  }

  #refreshServices(): ReadonlySet<ObjectKey> {
    const changed = new Set<ObjectKey>();
    for (const key of this.#dirtyServices) {
      const notes = this.#notesOf(key);
      const before = notes.built;
      const after = this.#build(key, notes);
      if (after.model === undefined && after.intercepts.length === 0) this.#notes.delete(key);
      else notes.built = after;
      if (put(this.#services, key, after.model)) changed.add(key);
      this.#problems.set(`service ${key}`, after.model?.problems ?? []);
      const diff = diffIntercepts(before?.intercepts ?? [], after.intercepts);
      this.#keys.apply(diff);
      for (const preview of this.#roles.serviceBuilt(key, before, after, diff)) this.#rolesChanged(preview);
      const leftOut = before?.leftOut ?? NO_MEMBERS;
      if (leftOut !== after.leftOut) this.#pods.touchAll(eitherNotBoth(leftOut, after.leftOut));
    }
    this.#dirtyServices.clear();
    return changed;
  }

  #notesOf(key: ObjectKey): Notes {
    const known = this.#notes.get(key);
    if (known !== undefined) return known;
    const notes = { policy: undefined, target: undefined, built: undefined };
    this.#notes.set(key, notes);
    return notes;
  }

  #build(key: ObjectKey, notes: Notes): BuiltService {
    this.#servicesBuilt += 1;
    const slices = this.#index.slicesOf(key);
    const ids = this.#previewsByService.list(key);
    const previews = ids.length === 0 ? NO_ITEMS : ids.toSorted(compareText).flatMap((id) => this.#previewsById.get(id) ?? []);
    const input = {
      key,
      target: this.#target(key, notes),
      slices,
      previews,
      leaks: leaksOf(key, slices, this.#index, this.#previews),
    };
    return buildService(input, notes.built);
  }

  #target(key: ObjectKey, notes: Notes): TargetService | undefined {
    const service = this.#index.services.get(key);
    const { policy } = notes;
    notes.target =
      service === undefined || policy === undefined
        ? undefined
        : keep(notes.target, { key, service, policy, hosts: this.#hosts.servedFor(key) });
    return notes.target;
  }

  #rolesChanged(preview: string): void {
    this.#pods.touchAll(this.#previews.podsOf(preview));
    const backends = this.#previewsById.get(preview)?.backends;
    if (backends?.kind === 'service') for (const slice of backends.slices) this.#pods.touchAll(podsOf(slice));
  }
}

function servicesOf(preview: Preview | undefined): ReadonlySet<ObjectKey> {
  return new Set(preview?.declaration?.targets.map((target) => target.service));
}

function eitherNotBoth<T>(a: ReadonlySet<T>, b: ReadonlySet<T>): readonly T[] {
  return [...[...a].filter((value) => !b.has(value)), ...[...b].filter((value) => !a.has(value))];
}

function addAll<T>(set: Set<T>, values: Iterable<T>): void {
  for (const value of values) set.add(value);
}

/** @returns whether it is another object now. */
function put<K, V>(map: Map<K, V>, key: K, value: V | undefined): boolean {
  if (map.get(key) === value) return false;
  if (value === undefined) map.delete(key);
  else map.set(key, value);
  return true;
}
