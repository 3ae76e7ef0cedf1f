/** A view with what makes it: model changes go in, verdicts of Envoys come back, and resources come out. */
import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import type { InterceptId, ObjectKey } from '../model/names.ts';
import type { ResourceType } from '../translate/resource.ts';
import type { ScopeTranslation } from '../translate/translate.ts';
import type { InFlight } from './exchange.ts';
import { type InterceptChanges, serviceOf } from './intercept-changes.ts';
import { Quarantine, type Rejection } from './quarantine.ts';
import { Refusals } from './refusals.ts';
import type { EncodedResource, Encoder } from './resource.ts';
import { type EncodedChange, View } from './view.ts';

export interface ServedViewOptions {
  /** The key of the scope. */
  readonly key: string;
  /** That the translation's resources can be of. */
  readonly types: ReadonlySet<ResourceType>;
  readonly translation: ScopeTranslation;
  readonly encoder: Encoder;
  readonly changes: InterceptChanges;
  /** Whether a stream of the view has acknowledged just this resource. */
  readonly isAccepted: (resource: EncodedResource) => boolean;
  /** Whether a stream of the view has refused just this resource: it will not be told it again. */
  readonly isRefused: (resource: EncodedResource) => boolean;
}

/** What became different in the view by a call. */
export interface ViewChange {
  /** How many resources. */
  readonly changed: number;
  readonly intercepts: ReadonlySet<InterceptId>;
}

export class ServedView {
  readonly view: View;
  readonly #options: ServedViewOptions;
  readonly #quarantine = new Quarantine();
  /** Kept until all know that the resource is gone. */
  readonly #refusals = new Refusals();
  /** Every publication up to this one was accepted, but for the intercepts that are left out. */
  #goodPublication = 0;
  #changed = 0;
  #intercepts = new Set<InterceptId>();

  constructor(options: ServedViewOptions) {
    this.#options = options;
    const { key, types, translation, encoder } = options;
    const { leftover } = translation;
    const encoded = (name: string): EncodedResource | undefined => {
      const resource = leftover?.(name);
      return resource === undefined ? undefined : encoder.encode(resource);
    };
    this.view = new View(key, types, undefined, leftover === undefined ? undefined : encoded);
  }

  rejections(): Iterable<Rejection> {
    return this.#quarantine.rejections();
  }

  rejection(intercept: InterceptId): Rejection | undefined {
    return this.#quarantine.rejection(intercept);
  }

  /** Whether a change may make a difference to it. */
  isConcernedBy(model: InterceptModel, change: ModelChange): boolean {
    return !this.#quarantine.isQuiet || this.#options.translation.concerns?.(model, change) !== false;
  }

  /**
   * @param change undefined: everything may be different
   * @param isSettled whether all streams have answered all that was published before
   */
  publish(model: InterceptModel, change: ModelChange | undefined, isSettled: boolean, now: number): ViewChange {
    const { changes } = this.#options;
    const before = this.#quarantine.excluded;
    // Everybody has answered that it is gone: whoever refused it is told it again when it comes back.
    if (isSettled) this.#refusals.forget((type, name) => this.view.log(type).entry(name)?.current === undefined);
    if (isSettled && this.#quarantine.isDecided) {
      this.#goodPublication = changes.publication - 1;
      this.#quarantine.settle();
    }
    this.#quarantine.release((id, { publication }) => (changes.changedAt(id) ?? Infinity) > publication);
    this.#translate(model, change === undefined ? undefined : withToggled(change, before, this.#quarantine.excluded), now);
    this.#quarantine.forget((type, name) => !this.view.isPlanned(type, name));
    this.#bisect(model, now);
    return this.#take();
  }

  /** A response was accepted. */
  acked(response: InFlight, model: InterceptModel, now: number): ViewChange {
    if (!this.#quarantine.isQuiet) {
      for (const { sent } of response.items.values())
        if (sent !== undefined && this.#isNewest(sent)) this.#quarantine.accept(sent.type, sent.name);
    }
    return this.review(model, now);
  }

  /** A response was refused. */
  nacked(response: InFlight, error: string, model: InterceptModel, now: number): ViewChange {
    const [item] = response.items.values();
    // Of several, the session finds the bad one first.
    if (response.items.size !== 1 || item?.sent === undefined) return this.#take();
    const { type, name } = item.sent;
    this.#refusals.note(type, name, error);
    // A verdict on what is not there any more says nothing of what is.
    if (!this.#isNewest(item.sent)) return this.#take();
    const before = this.#quarantine.excluded;
    this.#refuse(item.sent, error, now);
    this.#retranslate(model, before, now);
    this.#bisect(model, now);
    return this.#take();
  }

  /** A stream has come further: perhaps that decides what is being tried. */
  review(model: InterceptModel, now: number): ViewChange {
    if (this.#quarantine.trial !== undefined) this.#bisect(model, now);
    return this.#take();
  }

  /** And not what an Envoy had before it refused that (N9). */
  #isNewest({ type, name, version }: EncodedResource): boolean {
    return this.view.log(type).entry(name)?.current?.version === version;
  }

  #refuse(resource: Pick<EncodedResource, 'type' | 'name' | 'intercepts'>, error: string, now: number): void {
    const { changes } = this.#options;
    const { type, name, intercepts } = resource;
    const good = this.#goodPublication;
    const changed = intercepts.filter((id) => (changes.changedAt(id) ?? 0) > good);
    // Who was never accepted is suspected first: who was stays served meanwhile, though it changed.
    const { excluded } = this.#quarantine;
    const unproven = changed.filter((id) => (changes.seenAt(id) ?? 0) > good || this.#quarantine.isParoled(id));
    const suspects = unproven.every((id) => excluded.has(id)) ? changed : unproven;
    this.#quarantine.refuse({ type, name, error, at: now, publication: changes.publication }, intercepts, suspects);
  }

  /** Goes on with the next group for as long as the verdict on the last one is known. */
  #bisect(model: InterceptModel, now: number): void {
    for (;;) {
      const { trial } = this.#quarantine;
      if (trial !== undefined) {
        const current = this.view.log(trial.type).entry(trial.name)?.current;
        if (current !== undefined && !this.#options.isAccepted(current)) return;
        this.#quarantine.acquit();
      }
      const before = this.#quarantine.excluded;
      if (!this.#quarantine.tryNext()) return;
      this.#retranslate(model, before, now);
    }
  }

  #retranslate(model: InterceptModel, before: ReadonlySet<InterceptId>, now: number): void {
    const change = withToggled(NO_CHANGE, before, this.#quarantine.excluded);
    if (change.services.size > 0) this.#translate(model, change, now);
  }

  #translate(model: InterceptModel, change: ModelChange | undefined, now: number): void {
    const { translation, encoder } = this.#options;
    const before = this.#quarantine.excluded;
    const encoded: EncodedChange[] = [];
    const translated = translation.update(model, change, before, (resource) => encoder.tryEncode(resource));
    for (const { type, name, resource } of translated) {
      try {
        encoded.push({ type, name, resource: resource === undefined ? undefined : encoder.encode(resource) });
      } catch (error) {
        // What no Envoy could read is treated as if one had refused it; the view keeps the last good one.
        this.#refuse({ type, name, intercepts: resource?.intercepts ?? [] }, String(error), now);
      }
    }
    const applied = this.view.apply(encoded);
    this.#changed += applied.changed;
    for (const id of applied.intercepts) this.#intercepts.add(id);
    this.#refuseAgain(encoded, now);
    // Every round leaves more out, so it ends.
    this.#retranslate(model, before, now);
  }

  /** Who has refused a resource is not told it again when it comes back (N8), and so would never say that it is bad. */
  #refuseAgain(changes: readonly EncodedChange[], now: number): void {
    if (this.#refusals.size === 0) return;
    for (const { type, name, resource } of changes) {
      const error = this.#refusals.find(type, name);
      if (error === undefined || resource === undefined) continue;
      if (this.#options.isRefused(resource)) this.#refuse(resource, error, now);
    }
  }

  #take(): ViewChange {
    if (this.#changed === 0 && this.#intercepts.size === 0) return NOTHING_CHANGED;
    const result = { changed: this.#changed, intercepts: this.#intercepts };
    this.#changed = 0;
    this.#intercepts = new Set();
    return result;
  }
}

const NOTHING_CHANGED: ViewChange = { changed: 0, intercepts: new Set() };
const NO_CHANGE: ModelChange = { services: new Set(), hosts: new Set(), pods: new Set(), keys: new Set() };

/** With the Services of those intercepts that are left out now and were not before, or the other way round. */
function withToggled(change: ModelChange, before: ReadonlySet<InterceptId>, after: ReadonlySet<InterceptId>): ModelChange {
  const toggled = [...[...before].filter((id) => !after.has(id)), ...[...after].filter((id) => !before.has(id))].map(serviceOf);
  return toggled.length === 0 ? change : { ...change, services: new Set<ObjectKey>([...change.services, ...toggled]) };
}
