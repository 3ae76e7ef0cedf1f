import type { Intercept } from '../model/intercept.ts';
import type { InterceptDiff } from './intercept-diff.ts';

/** Keys of live previews: those with an intercept that is active or shadowed, ready or not. */
export class LiveKeys {
  readonly #keys = new Set<string>();
  readonly #counts = new Map<string, number>();
  /** Keys that were touched since {@link takeChanged}, and whether they were live before. */
  readonly #before = new Map<string, boolean>();

  get keys(): ReadonlySet<string> {
    return this.#keys;
  }

  apply({ gone, come }: InterceptDiff): void {
    for (const intercept of gone) if (isLive(intercept)) this.#count(intercept.key, -1);
    for (const intercept of come) if (isLive(intercept)) this.#count(intercept.key, 1);
  }

  /** Keys that came or went, since the last call. */
  takeChanged(): ReadonlySet<string> {
    const changed = [...this.#before].filter(([key, live]) => this.#keys.has(key) !== live).map(([key]) => key);
    this.#before.clear();
    return new Set(changed);
  }

  #count(key: string, difference: 1 | -1): void {
    if (!this.#before.has(key)) this.#before.set(key, this.#keys.has(key));
    const count = (this.#counts.get(key) ?? 0) + difference;
    if (count > 0) {
      this.#counts.set(key, count);
      this.#keys.add(key);
    } else {
      this.#counts.delete(key);
      this.#keys.delete(key);
    }
  }
}

function isLive({ state }: Intercept): boolean {
  return state === 'active' || state === 'shadowed';
}
