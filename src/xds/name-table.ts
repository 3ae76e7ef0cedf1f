/**
 * Numbers for names. The streams of a view share one table for each type, so that what a stream is subscribed to is a
 * row of bits and not a set of 10,000 strings.
 */
import { ByteIndex } from './byte-index.ts';
import type { IdSet } from './id-set.ts';
import { type Source, textAt } from './source.ts';

/** Who names fewer is answered as fast by way of texts. */
const WORTH_INDEXING = 32;
/** So few names are kept, whether anybody uses them or not. */
const FEW = 1_000;

export class NameTable {
  readonly #ids = new Map<string, number>();
  readonly #names: (string | undefined)[] = [];
  readonly #free: number[] = [];
  /** Made when somebody names many. */
  #index: ByteIndex | undefined;
  #sweeps = 0;
  /** How many were in use when that was looked at last. */
  #kept = 0;
  /** How often somebody has given one up since then. */
  #released = 0;

  get size(): number {
    return this.#ids.size;
  }

  /** How often numbers were taken from names: as long as it stays, every number means what it meant. */
  get sweeps(): number {
    return this.#sweeps;
  }

  /**
   * Whether a {@link sweep} is due, for there are twice as many as were in use: so it costs little for each that is new.
   * @param live how many are in use in any case
   */
  isLong(live: number): boolean {
    return this.#ids.size > FEW + 2 * Math.max(this.#kept, live);
  }

  /** Whether half of them may be given up. Others may use them all the same, so a {@link sweep} is worth trying now and then. */
  get isLoose(): boolean {
    return this.#ids.size > FEW && 2 * this.#released > this.#ids.size;
  }

  /** Somebody gives up so many of them. */
  release(count: number): void {
    this.#released += count;
  }

  /** Makes a number for a name that has none. */
  idOf(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#free.pop() ?? this.#names.length;
    this.#names[id] = name;
    this.#ids.set(name, id);
    this.#index?.add(id, name);
    return id;
  }

  find(name: string): number | undefined {
    return this.#ids.get(name);
  }

  /** So many names are going to be looked for. */
  expect(names: number): void {
    if (names >= WORTH_INDEXING) this.#index ??= this.#makeIndex();
  }

  /** @returns -1 for a name that has no number. */
  findAt(source: Source, from: number, to: number): number {
    const index = this.#index;
    if (index === undefined) return this.#ids.get(textAt(source, from, to)) ?? -1;
    const id = index.find(source.words, from, to);
    return id < 0 && !index.isComplete ? (this.#ids.get(textAt(source, from, to)) ?? -1) : id;
  }

  /** Makes a number for a name that has none. */
  idAt(source: Source, from: number, to: number): number {
    const known = this.findAt(source, from, to);
    return known >= 0 ? known : this.idOf(textAt(source, from, to));
  }

  nameOf(id: number): string {
    const name = this.#names[id];
    if (name === undefined) throw new Error(`The id ${id} is in use by a stream and has no name.`);
    return name;
  }

  /** Forgets the names whose number is not in use. */
  sweep(inUse: IdSet): void {
    const before = this.#ids.size;
    for (const [name, id] of this.#ids) {
      if (inUse.has(id)) continue;
      this.#ids.delete(name);
      this.#names[id] = undefined;
      this.#free.push(id);
    }
    this.#kept = this.#ids.size;
    this.#released = 0;
    if (this.#kept === before) return;
    this.#index = undefined;
    this.#sweeps += 1;
  }

  #makeIndex(): ByteIndex {
    const index = new ByteIndex();
    for (const [name, id] of this.#ids) index.add(id, name);
    return index;
  }
}
