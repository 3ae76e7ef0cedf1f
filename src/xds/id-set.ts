/** A set of small non-negative integers: a row of bits. What is asked of whole sets goes by words of 32. */
export class IdSet implements Iterable<number> {
  #words: Uint32Array = NO_WORDS;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @param id -1 stands for none */
  has(id: number): boolean {
    return ((this.#words[id >>> 5] ?? 0) & (1 << (id & 31))) !== 0;
  }

  /** @returns whether it is new. */
  add(id: number): boolean {
    const index = id >>> 5;
    const bit = 1 << (id & 31);
    const word = this.#words[index] ?? 0;
    if ((word & bit) !== 0) return false;
    if (index >= this.#words.length) this.#grow(index + 1);
    this.#words[index] = word | bit;
    this.#size += 1;
    return true;
  }

  /** @returns whether it was there. */
  delete(id: number): boolean {
    const index = id >>> 5;
    const bit = 1 << (id & 31);
    const word = this.#words[index] ?? 0;
    if ((word & bit) === 0) return false;
    this.#words[index] = word & ~bit;
    this.#shrinkTo(this.#size - 1);
    return true;
  }

  clear(): void {
    this.#shrinkTo(0);
  }

  addAll(other: IdSet): void {
    const words = other.#words;
    if (other.#size > 0 && words.length > this.#words.length) this.#grow(words.length);
    for (let index = 0; other.#size > 0 && index < words.length; index += 1) {
      const before = this.#words[index] ?? 0;
      const after = (before | (words[index] ?? 0)) >>> 0;
      if (after === before) continue;
      this.#size += bitsOf(after) - bitsOf(before);
      this.#words[index] = after;
    }
  }

  deleteAll(other: IdSet): void {
    let size = this.#size;
    for (let index = 0; size > 0 && index < this.#words.length; index += 1) {
      const before = this.#words[index] ?? 0;
      const after = (before & ~(other.#words[index] ?? 0)) >>> 0;
      if (after === before) continue;
      size -= bitsOf(before) - bitsOf(after);
      this.#words[index] = after;
    }
    this.#shrinkTo(size);
  }

  copy(): IdSet {
    const result = new IdSet();
    result.#words = this.#words.slice();
    result.#size = this.#size;
    return result;
  }

  equals(other: IdSet): boolean {
    return this.#size === other.#size && this.hasAll(other);
  }

  hasAll(other: IdSet): boolean {
    if (other.#size > this.#size) return false;
    const words = other.#words;
    for (let index = 0; index < words.length; index += 1) {
      if (((words[index] ?? 0) & ~(this.#words[index] ?? 0)) !== 0) return false;
    }
    return true;
  }

  hasAny(other: IdSet): boolean {
    if (other.#size === 0 || this.#size === 0) return false;
    const words = other.#words;
    for (let index = 0; index < words.length; index += 1) {
      if (((words[index] ?? 0) & (this.#words[index] ?? 0)) !== 0) return true;
    }
    return false;
  }

  *[Symbol.iterator](): Generator<number> {
    for (let index = 0; index < this.#words.length; index += 1) {
      for (let word = this.#words[index] ?? 0; word !== 0; word &= word - 1) yield index * 32 + (31 - Math.clz32(word & -word));
    }
  }

  #grow(length: number): void {
    const words = new Uint32Array(Math.max(length, this.#words.length * 2, FEWEST_WORDS));
    words.set(this.#words);
    this.#words = words;
  }

  /** Most sets of most streams are empty most of the time. */
  #shrinkTo(size: number): void {
    this.#size = size;
    if (size === 0) this.#words = NO_WORDS;
  }
}

const FEWEST_WORDS = 4;
const NO_WORDS = new Uint32Array(0);

/** How many bits of a word are set. */
function bitsOf(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
