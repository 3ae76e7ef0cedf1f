/** `google.protobuf.Struct`, `Value` and `ListValue` → plain JSON. */

import { WireReader } from './wire-reader.ts';
import { DEEPEST } from './wire-types.ts';

const STRUCT = { fields: 1 } as const;
const ENTRY = { key: 1, value: 2 } as const;
const VALUE = { null: 1, number: 2, text: 3, bool: 4, struct: 5, list: 6 } as const;

/** @throws Error when the bytes are no such message. */
export function readStruct(bytes: Buffer, depth = 0): Readonly<Record<string, unknown>> {
  const entries: [string, unknown][] = [];
  const fields = new WireReader(bytes);
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === STRUCT.fields) entries.push(readEntry(fields.bytes(), depth + 1));
  }
  // Also a key like __proto__ is a field of its own.
  return Object.fromEntries(entries);
}

function readEntry(bytes: Buffer, depth: number): [string, unknown] {
  let key = '';
  let value: unknown = null;
  const fields = new WireReader(bytes);
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === ENTRY.key) key = fields.text();
    else if (field === ENTRY.value) value = readValue(fields.bytes(), depth + 1);
  }
  return [key, value];
}

function readValue(bytes: Buffer, depth: number): unknown {
  if (depth > DEEPEST) throw new Error(`values within values are more than ${DEEPEST} deep`);
  let value: unknown = null;
  const fields = new WireReader(bytes);
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === VALUE.null) value = null;
    else if (field === VALUE.number) value = finite(fields.double());
    else if (field === VALUE.text) value = fields.text();
    else if (field === VALUE.bool) value = fields.flag();
    else if (field === VALUE.struct) value = readStruct(fields.bytes(), depth + 1);
    else if (field === VALUE.list) value = readList(fields.bytes(), depth + 1);
  }
  return value;
}

function readList(bytes: Buffer, depth: number): readonly unknown[] {
  const items: unknown[] = [];
  const fields = new WireReader(bytes);
  for (let field = fields.next(); field !== 0; field = fields.next()) {
    if (field === 1) items.push(readValue(fields.bytes(), depth + 1));
  }
  return items;
}

function finite(value: number): number {
  if (!Number.isFinite(value)) throw new Error(`a number is ${value}, which JSON has not`);
  return value;
}
