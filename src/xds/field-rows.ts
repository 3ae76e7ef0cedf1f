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
  /** Where the content of the present one begins. */
  from = 0;
  /** Where it ends. */
  to = 0;
  readonly #bytes: Buffer;
  readonly #fields: FieldReader;
  readonly #ends: readonly number[];
  #row = 0;
  #rowEnd = 0;

  constructor({ bytes }: Source, ends: readonly number[]) {
    this.#bytes = bytes;
    this.#fields = new FieldReader(bytes, 0, 0);
    this.#ends = ends;
  }

  /** @returns whether there is another one. */
  next(): boolean {
    const at = this.to < this.#rowEnd ? this.to : this.#nextRow();
    if (at < 0) return false;
    const tag = this.#bytes[at] ?? 0;
    const length = this.#bytes[at + 1] ?? 0;
    // Both of one byte, as nearly always.
    if ((tag | length) < 128) {
      this.from = at + 2;
      this.to = this.from + length;
      return true;
    }
    const fields = this.#fields;
    fields.goTo(at, this.#rowEnd);
    fields.next();
    this.from = fields.from;
    this.to = fields.to;
    return true;
  }

  /** @returns where it begins; -1: there is none. */
  #nextRow(): number {
    this.#rowEnd = this.#ends[this.#row + 1] ?? 0;
    const from = this.#ends[this.#row] ?? -1;
    this.#row += 2;
    return from;
  }
}
