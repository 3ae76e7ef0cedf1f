/** The versions of all resources of a type by number, side by side: a client that comes back names every one of them. */

/** Four characters a word. */
const WORDS = 3;
const LENGTH = WORDS * 4;
const FIRST_IDS = 4;
/** Most views have nothing of most types. */
const NO_WORDS = new Int32Array(0);

export class VersionColumn {
  #words = NO_WORDS;

  /** @param version undefined: there is none */
  set(id: number, version: string | undefined): void {
    const start = id * WORDS;
    if (start >= this.#words.length) {
      const words = new Int32Array(Math.max(this.#words.length * 2, start + WORDS, FIRST_IDS * WORDS));
      words.set(this.#words);
      this.#words = words;
    }
    // One of another length is not found here.
    const text = version?.length === LENGTH ? version : undefined;
    for (let word = 0; word < WORDS; word += 1) this.#words[start + word] = text === undefined ? 0 : wordOf(text, word * 4);
  }

  /**
   * @param id -1 stands for none
   * @param from where in `words` the version of a request begins
   * @returns true where it is the version of this id; false where it is not, or is of an unusual length.
   */
  is(id: number, words: DataView, from: number, to: number): boolean {
    if (id < 0 || to - from !== LENGTH) return false;
    const start = id * WORDS;
    const first = this.#words[start] ?? 0;
    if (first === 0 || first !== words.getInt32(from, true)) return false;
    return this.#words[start + 1] === words.getInt32(from + 4, true) && this.#words[start + 2] === words.getInt32(from + 8, true);
  }
}

/** Characters of a version are ASCII: one byte each. */
function wordOf(text: string, at: number): number {
  let word = 0;
  for (let index = 3; index >= 0; index -= 1) word = (word << 8) | text.charCodeAt(at + index);
  return word;
}
