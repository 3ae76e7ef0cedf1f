/** What a client says that it has, names with their versions, as it came: see {@link PackedTexts}. */
import { FieldReader } from './field-reader.ts';
import { FieldRows } from './field-rows.ts';
import { SetDigest } from './set-digest.ts';
import { checkUtf8, type Source, textAt } from './source.ts';

const NAME = 1;
const VERSION = 2;
/** As their fields begin: the number, and that a length follows. */
const NAME_TAG = NAME * 8 + 2;
const VERSION_TAG = VERSION * 8 + 2;

/** Entries of a map, in their order; the same name may be there twice. */
export class PackedVersions implements Iterable<readonly [name: string, version: string]> {
  readonly source: Source;
  readonly #rows: FieldRows;
  #size = 0;
  #areUsual = true;

  /** @param source that all of it is in */
  constructor(source: Source) {
    this.source = source;
    this.#rows = new FieldRows(source);
  }

  get size(): number {
    return this.#size;
  }

  /** The present field is one more entry, and so are those that follow it with the same number. */
  push(fields: FieldReader, field: number): void {
    const { start } = fields;
    const { bytes } = this.source;
    do {
      this.#size += 1;
      this.#areUsual &&= isUsual(bytes, fields.from, fields.to);
    } while (fields.nextShort(field));
    this.#rows.push(start, fields.to);
  }

  /** @throws Error when one of them is not an entry, or not UTF-8. */
  check(): void {
    if (this.#areUsual && this.#rows.areAscii) return;
    for (const each = this.walk(); each.next(); ) {
      checkUtf8(this.source, each.from, each.to);
      checkUtf8(this.source, each.versionFrom, each.versionTo);
    }
  }

  /** From the first one on. */
  walk(): EntryWalk {
    return new EntryWalk(this.source, this.#rows);
  }

  /** Of all entries, each as it stands there; undefined: some are not written as {@link writeEntry} does. */
  digest(): SetDigest | undefined {
    if (!this.#areUsual) return undefined;
    const result = new SetDigest();
    const { words } = this.source;
    for (const each = this.#rows.walk(); each.next(); ) result.add(words, each.from, each.to);
    return result;
  }

  *[Symbol.iterator](): Generator<readonly [name: string, version: string]> {
    const { source } = this;
    for (const each = this.walk(); each.next(); )
      yield [textAt(source, each.from, each.to), textAt(source, each.versionFrom, each.versionTo)];
  }
}

class EntryWalk {
  /** Where the present name is. */
  from = 0;
  to = 0;
  /** Where its version is. */
  versionFrom = 0;
  versionTo = 0;
  readonly #bytes: Buffer;
  readonly #entries: ReturnType<FieldRows['walk']>;
  readonly #fields: FieldReader;

  constructor(source: Source, rows: FieldRows) {
    this.#bytes = source.bytes;
    this.#entries = rows.walk();
    this.#fields = new FieldReader(source.bytes, 0, 0);
  }

  /** @returns whether there is another one. @throws Error when it is not an entry. */
  next(): boolean {
    if (!this.#entries.next()) return false;
    const { from, to } = this.#entries;
    if (isUsual(this.#bytes, from, to)) {
      this.from = from + 2;
      this.to = this.from + (this.#bytes[from + 1] ?? 0);
      this.versionFrom = this.to + 2;
      this.versionTo = to;
    } else this.#read(from, to);
    return true;
  }

  #read(from: number, to: number): void {
    const fields = this.#fields;
    fields.goTo(from, to);
    // One that is '' may be left out.
    this.from = this.to = this.versionFrom = this.versionTo = from;
    for (let field = fields.next(); field !== 0; field = fields.next()) {
      if (field === NAME) {
        this.from = fields.from;
        this.to = fields.to;
      } else if (field === VERSION) {
        this.versionFrom = fields.from;
        this.versionTo = fields.to;
      }
    }
  }
}

/** As clients write an entry that is usual. @param bytes of sufficient length @returns where it ends. */
export function writeEntry(bytes: Buffer, name: string, version: string): number {
  const from = 2 + bytes.write(name, 2);
  const to = from + 2 + bytes.write(version, from + 2);
  bytes[0] = NAME_TAG;
  bytes[1] = from - 2;
  bytes[from] = VERSION_TAG;
  bytes[from + 1] = to - from - 2;
  return to;
}

/** Whether an entry is written as everybody does: a name and a version, in this order, and both of less than 128 bytes. */
function isUsual(bytes: Buffer, from: number, to: number): boolean {
  const nameLength = bytes[from + 1] ?? 0;
  const second = from + 2 + nameLength;
  const versionLength = bytes[second + 1] ?? 0;
  if (bytes[from] !== NAME_TAG || bytes[second] !== VERSION_TAG || second + 2 + versionLength !== to) return false;
  return nameLength < 128 && versionLength < 128;
}
