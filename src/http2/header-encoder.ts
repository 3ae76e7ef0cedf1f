/** Names and values to a block of headers: by HPACK's own numbers or as they are, so that no connection has a state. */
import { type Field, staticIndex } from './header-table.ts';

/** What a block begins with that empties its client's table, for good. */
export const EMPTY_TABLE = Buffer.from([0x20]);

/** @param fields names in lower case, values of ASCII */
export function encodeHeaders(fields: readonly Field[]): Buffer {
  const bytes: number[] = [];
  for (const field of fields) {
    const { index, isWhole } = staticIndex(field);
    if (isWhole) number(bytes, 7, 0x80, index);
    else {
      // Not to be remembered: what is said again is in the first table already.
      number(bytes, 4, 0, index);
      if (index === 0) text(bytes, field.name);
      text(bytes, field.value);
    }
  }
  return Buffer.from(bytes);
}

function number(bytes: number[], bits: number, flags: number, value: number): void {
  const most = (1 << bits) - 1;
  if (value < most) {
    bytes.push(flags | value);
    return;
  }
  bytes.push(flags | most);
  let rest = value - most;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
}

function text(bytes: number[], value: string): void {
  number(bytes, 7, 0, value.length);
  for (let index = 0; index < value.length; index += 1) bytes.push(value.charCodeAt(index));
}
