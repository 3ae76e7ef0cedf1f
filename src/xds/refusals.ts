/** What Envoys said last of resources that they refused, by type and name: of so many, the newest. */
import type { ResourceType } from '../translate/resource.ts';

interface Refused {
  readonly type: ResourceType;
  readonly name: string;
  readonly error: string;
}

/** A stream that never answers keeps them from being forgotten, though what was refused comes and goes beside it. */
const MOST = 1_000;

export class Refusals {
  readonly #refused = new Map<string, Refused>();

  get size(): number {
    return this.#refused.size;
  }

  note(type: ResourceType, name: string, error: string): void {
    const key = `${type} ${name}`;
    // The newest last.
    this.#refused.delete(key);
    this.#refused.set(key, { type, name, error });
    const [oldest] = this.#refused.keys();
    if (this.#refused.size > MOST && oldest !== undefined) this.#refused.delete(oldest);
  }

  /** @returns what was said; undefined where nothing is known of a refusal. */
  find(type: ResourceType, name: string): string | undefined {
    return this.#refused.get(`${type} ${name}`)?.error;
  }

  forget(isGone: (type: ResourceType, name: string) => boolean): void {
    for (const [key, { type, name }] of this.#refused) if (isGone(type, name)) this.#refused.delete(key);
  }
}
