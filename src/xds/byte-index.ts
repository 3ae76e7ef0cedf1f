/** Finds the number of a name by its bytes: what is looked up lies anywhere, so all that is said of a name lies together. */

const FIRST_SLOTS = 64;
const FIRST_BYTES = 1024;
/** Of a slot: one more than an id (0: free), the hash of its name, where its bytes begin, and how many they are. */
const FIELDS = 4;
/** Names are not looked for further from where their hash points: whoever makes them so that they meet gains nothing. */
const FURTHEST = 64;
/** Bytes are hashed and compared by so many. */
const WORD = 4;

export class ByteIndex {
  /** Their number is a power of two, and at most half of them are taken. */
  #slots = new Int32Array(FIRST_SLOTS * FIELDS);
  #taken = 0;
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #words = new DataView(this.#bytes.buffer);
  #used = 0;
  #isComplete = true;

  /** Whether all names that were added are found. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** @param id that is not in it */
  add(id: number, name: string): void {
    const length = Buffer.byteLength(name);
    this.#reserve(length);
    const start = this.#used;
    this.#used += this.#bytes.write(name, start);
    this.#taken += 1;
    this.#place(id + 1, hashOf(this.#words, start, this.#used), start, length);
  }

  /** @returns -1 when it is not there, or {@link isComplete} is false. */
  find(words: DataView, from: number, to: number): number {
    const slots = this.#slots;
    const last = slots.length - 1;
    const hash = hashOf(words, from, to);
    for (let step = 0; step < FURTHEST; step += 1) {
      const slot = ((hash + step) * FIELDS) & last;
      const id = (slots[slot] ?? 0) - 1;
      if (id < 0) return -1;
      if (slots[slot + 1] !== hash || slots[slot + 3] !== to - from) continue;
      if (areEqual(this.#words, slots[slot + 2] ?? 0, words, from, to - from)) return id;
    }
    return -1;
  }

  #place(number: number, hash: number, start: number, length: number): void {
    const slots = this.#slots;
    for (let step = 0; step < FURTHEST; step += 1) {
      const slot = ((hash + step) * FIELDS) & (slots.length - 1);
      if (slots[slot] !== 0) continue;
      slots[slot] = number;
      slots[slot + 1] = hash;
      slots[slot + 2] = start;
      slots[slot + 3] = length;
      return;
    }
    this.#isComplete = false;
  }

  #reserve(length: number): void {
    if (this.#used + length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#used + length));
      this.#bytes.copy(larger, 0, 0, this.#used);
      this.#bytes = larger;
      this.#words = new DataView(larger.buffer);
    }
    const before = this.#slots;
    if (this.#taken * 2 < before.length / FIELDS) return;
    this.#slots = new Int32Array(before.length * 2);
    for (let slot = 0; slot < before.length; slot += FIELDS) {
      const number = before[slot] ?? 0;
      if (number > 0) this.#place(number, before[slot + 1] ?? 0, before[slot + 2] ?? 0, before[slot + 3] ?? 0);
    }
  }
}

/** Of bytes: by words, the last of which may overlap the one before. */
export function hashOf(words: DataView, from: number, to: number): number {
  let hash = to - from;
  let at = from;
  for (; at + WORD <= to; at += WORD) hash = mix(hash, words.getInt32(at, true));
  if (at === to) return hash;
  if (to - from >= WORD) return mix(hash, words.getInt32(to - WORD, true));
  for (; at < to; at += 1) hash = mix(hash, words.getUint8(at));
  return hash;
}

/** Every bit counts, also for the lowest ones. */
function mix(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x9e3779b1);
  return product ^ (product >>> 15);
}

function areEqual(ours: DataView, start: number, theirs: DataView, from: number, length: number): boolean {
  const end = length - WORD;
  let offset = 0;
  for (; offset <= end; offset += WORD) {
    if (ours.getInt32(start + offset, true) !== theirs.getInt32(from + offset, true)) return false;
  }
  if (offset === length) return true;
  if (end >= 0) return ours.getInt32(start + end, true) === theirs.getInt32(from + end, true);
  for (; offset < length; offset += 1) if (ours.getUint8(start + offset) !== theirs.getUint8(from + offset)) return false;
  return true;
}
