/** One name of a type, and what it was: numbers of changes tell which of its states a stream has. */
import { NO_ITEMS } from '../model/none.ts';
import type { EncodedResource } from './resource.ts';

interface Version {
  readonly seq: number;
  readonly resource: EncodedResource | undefined;
}

/** One name, with its newest state and those older ones that a stream may still have. */
export class Entry {
  readonly name: string;
  readonly id: number;
  #seq = 0;
  #current: EncodedResource | undefined;
  /** States before the newest one: most names have none. */
  #older: readonly Version[] = NO_ITEMS;
  /** The newest resource, also when it is gone by now. */
  last: EncodedResource | undefined;

  constructor(name: string, id: number) {
    this.name = name;
    this.id = id;
  }

  /** undefined when it is gone. */
  get current(): EncodedResource | undefined {
    return this.#current;
  }

  /** The number of its newest change; 0: there was none. */
  get seq(): number {
    return this.#seq;
  }

  /** The number of the oldest change that is remembered. */
  get firstSeq(): number {
    return this.#older[0]?.seq ?? this.#seq;
  }

  /** What it was after the change numbered `cursor`. */
  at(cursor: number): EncodedResource | undefined {
    if (this.#seq <= cursor) return this.#current;
    for (let index = this.#older.length - 1; index >= 0; index -= 1) {
      const version = this.#older[index];
      if (version !== undefined && version.seq <= cursor) return version.resource;
    }
    return undefined;
  }

  set(seq: number, resource: EncodedResource | undefined): void {
    if (this.#seq > 0) this.#older = [...this.#older, { seq: this.#seq, resource: this.#current }];
    this.#seq = seq;
    this.#current = resource;
    this.last = resource ?? this.last;
  }

  /** Equal bytes, but it may point at other intercepts. */
  replace(resource: EncodedResource): void {
    this.#current = resource;
    this.last = resource;
  }

  /**
   * Drops what no cursor stands on.
   * @returns whether it is gone altogether.
   */
  prune(cursors: readonly number[]): boolean {
    if (this.#older.length > 0) {
      this.#older = this.#older.filter(({ seq }, index) => {
        const next = this.#older[index + 1]?.seq ?? this.#seq;
        return cursors.some((cursor) => cursor >= seq && cursor < next);
      });
    }
    return this.#older.length === 0 && this.#current === undefined;
  }
}
