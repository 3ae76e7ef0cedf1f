/** One name of a type, and what it was: numbers of changes tell which of its states a stream has. */
import type { EncodedResource } from './resource.ts';

interface Version {
  readonly seq: number;
  readonly resource: EncodedResource | undefined;
}

/** One name, with its newest state and those older ones that a stream may still have. */
export class Entry {
  readonly name: string;
  readonly id: number;
  #versions: readonly Version[] = [];
  /** The newest resource, also when it is gone by now. */
  last: EncodedResource | undefined;

  constructor(name: string, id: number) {
    this.name = name;
    this.id = id;
  }

  /** undefined when it is gone. */
  get current(): EncodedResource | undefined {
    return this.#versions.at(-1)?.resource;
  }

  /** The number of its newest change. */
  get seq(): number {
    return this.#versions.at(-1)?.seq ?? 0;
  }

  /** The number of the oldest change that is remembered. */
  get firstSeq(): number {
    return this.#versions[0]?.seq ?? 0;
  }

  /** What it was after the change numbered `cursor`. */
  at(cursor: number): EncodedResource | undefined {
    for (let index = this.#versions.length - 1; index >= 0; index -= 1) {
      const version = this.#versions[index];
      if (version !== undefined && version.seq <= cursor) return version.resource;
    }
    return undefined;
  }

  set(seq: number, resource: EncodedResource | undefined): void {
    this.#versions = [...this.#versions, { seq, resource }];
    this.last = resource ?? this.last;
  }

  /** Equal bytes, but it may point at other intercepts. */
  replace(resource: EncodedResource): void {
    this.#versions = [...this.#versions.slice(0, -1), { seq: this.seq, resource }];
    this.last = resource;
  }

  /**
   * Drops what no cursor stands on.
   * @returns whether it is gone altogether.
   */
  prune(cursors: readonly number[]): boolean {
    if (this.#versions.length > 1) {
      this.#versions = this.#versions.filter((version, index) => {
        const next = this.#versions[index + 1];
        return next === undefined || cursors.some((cursor) => cursor >= version.seq && cursor < next.seq);
      });
    }
    return this.#versions.length === 1 && this.current === undefined;
  }
}
