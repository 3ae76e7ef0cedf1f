/**
 * When an Envoy refuses a resource, the intercepts that may be to blame are left out at once, so that all others are
 * served, and then let in again group by group: who is refused alone stays out until it changes. One for each view.
 */

import type { InterceptId } from '../model/names.ts';
import type { ResourceType } from '../translate/resource.ts';

/** What was refused. */
export interface Refusal {
  readonly type: ResourceType;
  readonly name: string;
  /** What the Envoy said. */
  readonly error: string;
  /** ms */
  readonly at: number;
  /** The publication in which it was refused. */
  readonly publication: number;
}

export interface Rejection extends Refusal {
  /** undefined where no intercept shaped the resource. */
  readonly intercept: InterceptId | undefined;
}

/** Not tried: it was the only one that had changed. */
interface Conviction extends Rejection {
  readonly isPresumed: boolean;
}

interface Group {
  readonly intercepts: readonly InterceptId[];
  readonly refusal: Refusal;
}

const NONE: ReadonlySet<InterceptId> = new Set();

export class Quarantine {
  readonly #rejected = new Map<InterceptId, Conviction>();
  /** Of resources that no intercept shaped, by type and name. */
  readonly #unexplained = new Map<string, Rejection>();
  #waiting: readonly Group[] = [];
  #trial: Group | undefined;
  /** Let in again because they changed. */
  readonly #paroled = new Set<InterceptId>();

  /** What the next translation leaves out. */
  get excluded(): ReadonlySet<InterceptId> {
    if (this.#rejected.size + this.#waiting.length === 0) return NONE;
    return new Set([...this.#rejected.keys(), ...this.#waiting.flatMap((group) => group.intercepts)]);
  }

  /** The resource whose fate decides about the group that is let in now; undefined: nothing is being tried. */
  get trial(): Refusal | undefined {
    return this.#trial?.refusal;
  }

  get isQuiet(): boolean {
    return this.#rejected.size + this.#unexplained.size + this.#waiting.length === 0 && this.#trial === undefined;
  }

  /** Nothing is tried or waits for it, and every refusal is explained: what is served is what is good. */
  get isDecided(): boolean {
    return this.#unexplained.size + this.#waiting.length === 0 && this.#trial === undefined;
  }

  /** A quarantined intercept comes first for what it shaped. */
  rejections(): Iterable<Rejection> {
    return [...this.#rejected.values(), ...this.#unexplained.values()];
  }

  rejection(intercept: InterceptId): Rejection | undefined {
    return this.#rejected.get(intercept);
  }

  /**
   * An Envoy refused one resource, alone, in its newest state.
   * @param shapedBy the intercepts that shaped it
   * @param suspects those of them that changed since it was last accepted; none: any of them
   */
  refuse(refusal: Refusal, shapedBy: readonly InterceptId[], suspects: readonly InterceptId[]): void {
    const excluded = this.excluded;
    const tried = this.#trial?.intercepts.filter((id) => shapedBy.includes(id)) ?? [];
    if (tried.length > 0) this.#trial = undefined;
    const blamed = (tried.length > 0 ? tried : suspects.length > 0 ? suspects : shapedBy).filter((id) => !excluded.has(id));
    if (blamed.length === 0) {
      this.#unexplained.set(`${refusal.type} ${refusal.name}`, { ...refusal, intercept: undefined });
      return;
    }
    if (tried.length === 0) this.#doubt(refusal);
    this.#blame(blamed, refusal, tried.length === 0);
  }

  /** The resource of the trial was accepted in its newest state, or is gone: its group is not to blame. */
  acquit(): void {
    this.#trial = undefined;
  }

  /** A resource was accepted: if it was refused before, then because of those who are left out. */
  accept(type: ResourceType, name: string): void {
    this.#unexplained.delete(`${type} ${name}`);
    for (const [id, conviction] of this.#rejected) {
      if (conviction.isPresumed && conviction.type === type && conviction.name === name) {
        this.#rejected.set(id, { ...conviction, isPresumed: false });
      }
    }
  }

  /** A resource that is gone is no longer refused. */
  forget(isGone: (type: ResourceType, name: string) => boolean): void {
    for (const [key, { type, name }] of this.#unexplained) if (isGone(type, name)) this.#unexplained.delete(key);
  }

  /**
   * Lets the next group in, if none is being tried.
   * @returns whether there was one.
   */
  tryNext(): boolean {
    if (this.#trial !== undefined) return false;
    const [next, ...rest] = this.#waiting;
    this.#trial = next;
    this.#waiting = rest;
    return next !== undefined;
  }

  /** Whoever changed gets another chance. @param hasChanged since the time of its rejection */
  release(hasChanged: (intercept: InterceptId, rejection: Rejection) => boolean): void {
    for (const [id, rejection] of this.#rejected) {
      if (!hasChanged(id, rejection)) continue;
      this.#rejected.delete(id);
      this.#paroled.add(id);
    }
  }

  /** Whether it was left out before, and nothing has been accepted since. */
  isParoled(intercept: InterceptId): boolean {
    return this.#paroled.has(intercept);
  }

  /** All that is served was accepted. */
  settle(): void {
    this.#paroled.clear();
  }

  /** It is refused without those who were presumed guilty, too: they get a trial, after the new suspects. */
  #doubt({ type, name }: Refusal): void {
    for (const [id, conviction] of this.#rejected) {
      if (!conviction.isPresumed || conviction.type !== type || conviction.name !== name) continue;
      this.#rejected.delete(id);
      this.#waiting = [...this.#waiting, { intercepts: [id], refusal: conviction }];
    }
  }

  #blame(intercepts: readonly InterceptId[], refusal: Refusal, isPresumed: boolean): void {
    const [only] = intercepts;
    if (intercepts.length === 1 && only !== undefined) {
      this.#rejected.set(only, { ...refusal, intercept: only, isPresumed });
      return;
    }
    const half = Math.ceil(intercepts.length / 2);
    const halves = [intercepts.slice(0, half), intercepts.slice(half)].map((part) => ({ intercepts: part, refusal }));
    this.#waiting = [...halves, ...this.#waiting];
  }
}
