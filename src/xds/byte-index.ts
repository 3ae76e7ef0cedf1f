/** Finds the number of a name by the bytes of the name: all in a few rows of numbers, for what is looked up lies anywhere. */
import { hashOf, type PackedTexts } from './packed-texts.ts';

const FIRST_SLOTS = 64;
const FIRST_BYTES = 1024;
/** Of an id: the hash of its name, where its bytes begin, and how many they are. One is spare: four are found faster. */
const FIELDS = 4;
/** Names are not looked for further from where their hash points: whoever makes them so that they meet gains nothing. */
const FURTHEST = 64;

export class ByteIndex {
  /** One more than an id, 0: free. Their number is a power of two, and at most half of them are taken. */
  #slots = new Int32Array(FIRST_SLOTS);
  #taken = 0;
  #places = new Int32Array(FIRST_SLOTS * FIELDS);
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #used = 0;
  #isComplete = true;

  /** Whether all names that were added are found. */
  get isComplete(): boolean {
    return this.#isComplete;
  }

  /** @param id that is not in it */
  add(id: number, name: string): void {
    const length = Buffer.byteLength(name);
    this.#reserve(id, length);
    this.#bytes.write(name, this.#used);
    const hash = hashOf(this.#bytes.subarray(this.#used, this.#used + length));
    this.#places.set([hash, this.#used, length], id * FIELDS);
    this.#used += length;
    this.#taken += 1;
    this.#place(id, hash);
  }

  /** @returns -1 when it is not there, or {@link isComplete} is false. */
  find(texts: PackedTexts, index: number): number {
    const slots = this.#slots;
    const places = this.#places;
    const last = slots.length - 1;
    const hash = texts.hash(index);
    for (let step = 0; step < FURTHEST; step += 1) {
      const id = (slots[(hash + step) & last] ?? 0) - 1;
      if (id < 0) return -1;
      const place = id * FIELDS;
      if (places[place] === hash && this.#isAt(places[place + 1] ?? 0, places[place + 2] ?? 0, texts, index)) return id;
    }
    return -1;
  }

  #isAt(start: number, length: number, texts: PackedTexts, index: number): boolean {
    const from = texts.from(index);
    if (texts.to(index) - from !== length) return false;
    const mine = this.#bytes;
    const theirs = texts.bytes;
    for (let offset = 0; offset < length; offset += 1) if (mine[start + offset] !== theirs[from + offset]) return false;
    return true;
  }

  #place(id: number, hash: number): void {
    const last = this.#slots.length - 1;
    for (let step = 0; step < FURTHEST; step += 1) {
      const slot = (hash + step) & last;
      if (this.#slots[slot] !== 0) continue;
      this.#slots[slot] = id + 1;
      return;
    }
    this.#isComplete = false;
  }

  #reserve(id: number, length: number): void {
    if (this.#used + length > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#used + length));
      this.#bytes.copy(larger, 0, 0, this.#used);
      this.#bytes = larger;
    }
    if ((id + 1) * FIELDS > this.#places.length) {
      const larger = new Int32Array(Math.max(this.#places.length * 2, (id + 1) * FIELDS));
      larger.set(this.#places);
      this.#places = larger;
    }
    if (this.#taken * 2 >= this.#slots.length) {
      const taken = this.#slots.filter((each) => each > 0);
      this.#slots = new Int32Array(this.#slots.length * 2);
      for (const each of taken) this.#place(each - 1, this.#places[(each - 1) * FIELDS] ?? 0);
    }
  }
}
