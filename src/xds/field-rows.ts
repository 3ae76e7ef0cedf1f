/**
 * Where the fields of one number are in a message: those that follow one another, as tens of thousands of names do, are a
 * row, of which nothing is kept but its ends.
 */
import { isAscii } from 'node:buffer';
import { FieldReader } from './field-reader.ts';
import type { Source } from './source.ts';

export class FieldRows {
  readonly #source: Source;
  /** A beginning and an end for each row. */
  readonly #ends: number[] = [];

  constructor(source: Source) {
    this.#source = source;
  }

  /** @param start where the field begins, with its number */
  push(start: number, to: number): void {
    const last = this.#ends.length - 1;
    if (this.#ends[last] === start) this.#ends[last] = to;
    else this.#ends.push(start, to);
  }

  /** Whether there is nothing but ASCII in them. Lengths are looked at too: of fields of 128 bytes and more it is not known. */
  get areAscii(): boolean {
    const { bytes } = this.#source;
    for (let row = 0; row < this.#ends.length; row += 2) {
      if (!isAscii(bytes.subarray(this.#ends[row], this.#ends[row + 1]))) return false;
    }
    return true;
  }

  /** From the first field on. */
  walk(): FieldWalk {
    return new FieldWalk(this.#source, this.#ends);
  }
}

class FieldWalk {
  readonly #fields: FieldReader;
  readonly #ends: readonly number[];
  #row = 0;

  constructor(source: Source, ends: readonly number[]) {
    this.#fields = new FieldReader(source.bytes, 0, 0);
    this.#ends = ends;
  }

  /** @returns whether there is another one. */
  next(): boolean {
    while (this.#fields.next() === 0) {
      const from = this.#ends[this.#row];
      const to = this.#ends[this.#row + 1];
      if (from === undefined || to === undefined) return false;
      this.#row += 2;
      this.#fields.goTo(from, to);
    }
    return true;
  }

  /** Where the content of the present one begins. */
  get from(): number {
    return this.#fields.from;
  }

  /** Where it ends. */
  get to(): number {
    return this.#fields.to;
  }
}
