/**
 * A set of texts in 64 bits and a count, whatever their order. Two sets of one digest are taken for the same: as with
 * versions of resources, which are pieces of a hash too, nobody lives to see two that are not.
 */

/** Bytes are taken by so many. */
const WORD = 4;

export class SetDigest {
  #count = 0;
  #first = 0;
  #second = 0;

  get count(): number {
    return this.#count;
  }

  /** @param words where the text is, from `from` up to `to`; one that is there twice counts twice */
  add(words: DataView, from: number, to: number): void {
    this.#count += 1;
    this.#change(words, from, to, 1);
  }

  /** One that is there. */
  delete(words: DataView, from: number, to: number): void {
    this.#count -= 1;
    this.#change(words, from, to, -1);
  }

  equals(other: SetDigest): boolean {
    return this.#count === other.#count && this.#first === other.#first && this.#second === other.#second;
  }

  copy(): SetDigest {
    const result = new SetDigest();
    result.#count = this.#count;
    result.#first = this.#first;
    result.#second = this.#second;
    return result;
  }

  #change(words: DataView, from: number, to: number, sign: 1 | -1): void {
    let first = Math.imul(to - from + 1, 0x27d4eb2f);
    let second = Math.imul(first, 0x165667b1);
    let at = from;
    for (const last = to - WORD; at <= last; at += WORD) {
      const word = words.getInt32(at, true);
      first = Math.imul(first ^ word, 0x9e3779b1);
      second = Math.imul(second + word, 0x85ebca77);
      first ^= first >>> 15;
      second ^= second >>> 13;
    }
    if (at < to) {
      const word = restOf(words, at, to);
      first = Math.imul(first ^ word, 0x9e3779b1);
      second = Math.imul(second + word, 0x85ebca77);
    }
    this.#first = (this.#first + sign * scattered(first)) | 0;
    this.#second = (this.#second + sign * scattered(second)) | 0;
  }
}

/** Every bit depends on every one: what was multiplied alone would add up too well. */
function scattered(hash: number): number {
  let bits = Math.imul(hash ^ (hash >>> 16), 0x7feb352d);
  bits = Math.imul(bits ^ (bits >>> 15), 0x846ca68b);
  return bits ^ (bits >>> 16);
}

/** The last one to three bytes. */
function restOf(words: DataView, from: number, to: number): number {
  const middle = from + ((to - from) >> 1);
  return words.getUint8(from) | (words.getUint8(middle) << 8) | (words.getUint8(to - 1) << 16);
}
