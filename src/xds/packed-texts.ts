/**
 * Texts of a request as they came: no text is made of them, and all that is kept is where they are. A client that comes
 * back names tens of thousands, and is forgotten as soon as it is answered.
 */
import type { FieldReader } from './field-reader.ts';
import { FieldRows } from './field-rows.ts';
import { SetDigest } from './set-digest.ts';
import { checkUtf8, type Source, textAt } from './source.ts';

const WILDCARD = '*';

/** In their order; the same one may be there twice. */
export class PackedTexts implements Iterable<string> {
  readonly source: Source;
  readonly #rows: FieldRows;
  #length = 0;
  #longest = 0;
  #hasWildcard = false;

  /** @param source that all its texts are in */
  constructor(source: Source) {
    this.source = source;
    this.#rows = new FieldRows(source);
  }

  get length(): number {
    return this.#length;
  }

  /** In bytes. */
  get longest(): number {
    return this.#longest;
  }

  get hasWildcard(): boolean {
    return this.#hasWildcard;
  }

  /** The present field is one more of these texts, and so are those that follow it with the same number. */
  push(fields: FieldReader, field: number): void {
    const { start } = fields;
    do {
      const { from, to } = fields;
      this.#length += 1;
      if (to - from > this.#longest) this.#longest = to - from;
      this.#hasWildcard ||= isWildcard(this.source, from, to);
    } while (fields.nextShort(field));
    this.#rows.push(start, fields.to);
  }

  /** @throws Error when one of them is not UTF-8. */
  check(): void {
    if (this.#rows.areAscii) return;
    for (const each = this.walk(); each.next(); ) checkUtf8(this.source, each.from, each.to);
  }

  /** From the first one on. */
  walk(): ReturnType<FieldRows['walk']> {
    return this.#rows.walk();
  }

  /** Of all of them. */
  digest(): SetDigest {
    const result = new SetDigest();
    const { words } = this.source;
    for (const each = this.walk(); each.next(); ) result.add(words, each.from, each.to);
    return result;
  }

  *[Symbol.iterator](): Generator<string> {
    for (const each = this.walk(); each.next(); ) yield textAt(this.source, each.from, each.to);
  }
}

export function isWildcard({ bytes }: Source, from: number, to: number): boolean {
  return to - from === WILDCARD.length && bytes[from] === WILDCARD.charCodeAt(0);
}
