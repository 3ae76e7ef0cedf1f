/** The Huffman code of HPACK, reading only (RFC 7541, appendix B): what this server writes is not compressed. */

/** How many bits each byte has, and last the end of a text. Codes of one length follow each other in the order of bytes. */
const LENGTHS = `
  13 23 28 28 28 28 28 28 28 24 30 28 28 30 28 28 28 28 28 28 28 28 30 28 28 28 28 28 28 28 28 28
  6 10 10 12 13 6 8 11 10 10 8 11 8 6 6 6 5 5 5 6 6 6 6 6 6 6 7 8 15 6 12 10
  13 6 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 7 8 7 8 13 19 13 14 6
  15 5 6 5 6 5 6 6 6 5 7 7 6 6 6 5 6 7 6 5 5 6 7 7 7 7 7 15 11 14 13 28
  20 22 20 20 22 22 22 23 22 23 23 23 23 23 24 23 24 24 22 23 24 23 23 23 23 21 22 23 22 23 23 24
  22 21 20 22 22 23 23 21 23 22 22 24 21 22 23 23 21 21 22 21 23 22 23 23 20 22 22 22 23 22 22 23
  26 26 20 19 22 23 22 25 26 26 26 27 27 26 24 25 19 21 26 27 27 26 27 24 21 21 26 26 28 27 27 27
  20 24 20 21 22 21 21 23 22 22 25 25 24 24 26 23 26 27 26 26 27 27 27 27 27 28 27 27 27 27 27 26
  30`
  .trim()
  .split(/\s+/)
  .map(Number);
const END_OF_TEXT = 256;
const LONGEST = 30;
const SHORTEST = 5;
/** What is left of the last byte is filled with the beginning of the end of a text, less than a byte of it. */
const MOST_PADDING = 7;

/** For each length: the first code that has it, how many do, and where their symbols begin. */
interface Codes {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly offset: Int32Array;
  readonly symbols: Uint16Array;
}

const CODES = codesOf(LENGTHS);

function codesOf(lengths: readonly number[]): Codes {
  const first = new Int32Array(LONGEST + 1);
  const count = new Int32Array(LONGEST + 1);
  const offset = new Int32Array(LONGEST + 1);
  const symbols: number[] = [];
  let code = 0;
  for (let length = 1; length <= LONGEST; length += 1) {
    offset[length] = symbols.length;
    first[length] = code;
    for (const [symbol, own] of lengths.entries()) if (own === length) symbols.push(symbol);
    count[length] = symbols.length - (offset[length] ?? 0);
    code = (code + (count[length] ?? 0)) << 1;
  }
  return { first, count, offset, symbols: Uint16Array.from(symbols) };
}

/** @returns the text, a character for each byte; undefined: this is no such code. */
export function readHuffman(bytes: Buffer, from: number, to: number): string | undefined {
  const { first, count, offset, symbols } = CODES;
  const text = Buffer.allocUnsafe(Math.floor(((to - from) * 8) / SHORTEST));
  let written = 0;
  let code = 0;
  let length = 0;
  for (let at = from; at < to; at += 1) {
    const byte = bytes[at] ?? 0;
    for (let bit = 7; bit >= 0; bit -= 1) {
      code = (code << 1) | ((byte >>> bit) & 1);
      length += 1;
      const index = code - (first[length] ?? 0);
      if (index < (count[length] ?? 0)) {
        const symbol = symbols[(offset[length] ?? 0) + index] ?? END_OF_TEXT;
        if (symbol === END_OF_TEXT) return undefined;
        text[written++] = symbol;
        code = 0;
        length = 0;
      } else if (length === LONGEST) return undefined;
    }
  }
  const isPadding = length <= MOST_PADDING && code === (1 << length) - 1;
  return isPadding ? text.toString('latin1', 0, written) : undefined;
}
