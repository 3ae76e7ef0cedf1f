/** Blocks of headers to names and values: HPACK (RFC 7541). */
import { type Field, HeaderTable, TABLE_SIZE } from './header-table.ts';
import { readHuffman } from './huffman.ts';

/** No length and no number of a field is greater. */
const MOST = 2 ** 24;
const NOTHING: Buffer = Buffer.alloc(0);

export class HeaderDecoder {
  readonly #table: HeaderTable;
  readonly #maxTable: number;
  /** While it is being decoded: it is lent. */
  #block = NOTHING;
  #at = 0;

  /** @param maxTable bytes */
  constructor(maxTable: number = TABLE_SIZE) {
    this.#maxTable = maxTable;
    this.#table = new HeaderTable(maxTable);
  }

  /** @returns false: this is no such block, and of the next ones nothing can be read. */
  decode(block: Buffer, onField: (field: Field) => void): boolean {
    this.#block = block;
    this.#at = 0;
    let isFirst = true;
    let isGood = true;
    while (isGood && this.#at < block.length) {
      const byte = block[this.#at] ?? 0;
      if ((byte & 0xe0) === 0x20) isGood = isFirst && this.#resize();
      else {
        isFirst = false;
        const field = this.#field(byte);
        if (field === undefined) isGood = false;
        else onField(field);
      }
    }
    this.#block = NOTHING;
    return isGood;
  }

  #field(byte: number): Field | undefined {
    // All of it has a number.
    if (byte >= 0x80) return this.#table.at(this.#number(7));
    const isKept = byte >= 0x40;
    const index = this.#number(isKept ? 6 : 4);
    const name = index === 0 ? this.#text() : this.#table.at(index)?.name;
    const value = name === undefined ? undefined : this.#text();
    if (name === undefined || value === undefined) return undefined;
    const field = { name, value };
    if (isKept) this.#table.add(field);
    return field;
  }

  #resize(): boolean {
    const size = this.#number(5);
    if (size < 0 || size > this.#maxTable) return false;
    this.#table.resize(size);
    return true;
  }

  /** @param bits of the first byte that belong to it @returns -1: there is none, or it is too great. */
  #number(bits: number): number {
    const most = (1 << bits) - 1;
    let value = (this.#block[this.#at++] ?? 0) & most;
    if (value < most) return value;
    for (let shift = 0; this.#at < this.#block.length; shift += 7) {
      const byte = this.#block[this.#at++] ?? 0;
      value += (byte & 127) * 2 ** shift;
      if (value > MOST || shift > 28) return -1;
      if (byte < 128) return value;
    }
    return -1;
  }

  #text(): string | undefined {
    if (this.#at >= this.#block.length) return undefined;
    const isHuffman = (this.#block[this.#at] ?? 0) >= 0x80;
    const length = this.#number(7);
    const from = this.#at;
    if (length < 0 || from + length > this.#block.length) return undefined;
    this.#at = from + length;
    return isHuffman ? readHuffman(this.#block, from, this.#at) : this.#block.toString('latin1', from, this.#at);
  }
}
