/** Any JSON, as `google.protobuf.Struct`, `Value` and `ListValue`. */
import type { ByteWriter } from './byte-writer.ts';
import { shown } from './shown.ts';
import { DEEPEST, FIRST, SECOND, WIRE } from './wire-types.ts';

/** Tags of a Value. */
const VALUE = {
  null: 1 << 3,
  number: (2 << 3) | WIRE.fixed64,
  text: (3 << 3) | WIRE.bytes,
  bool: 4 << 3,
  struct: (5 << 3) | WIRE.bytes,
  list: (6 << 3) | WIRE.bytes,
};

/** With its keys in their order. @throws Error for what is not JSON. */
export function writeStruct(writer: ByteWriter, struct: Readonly<Record<string, unknown>>, depth: number): void {
  for (const key of Object.keys(struct).sort()) {
    writer.uint32(FIRST);
    const start = writer.begin();
    writer.uint32(FIRST);
    writeText(writer, key);
    writer.uint32(SECOND);
    const inner = writer.begin();
    writeValue(writer, struct[key], depth + 1);
    writer.end(inner);
    writer.end(start);
  }
}

/** A `google.protobuf.Value`. */
export function writeValue(writer: ByteWriter, value: unknown, depth: number): void {
  if (depth > DEEPEST) throw new Error(`google.protobuf.Value: values within values are more than ${DEEPEST} deep`);
  if (value === null) {
    writer.uint32(VALUE.null);
    writer.uint32(0);
  } else if (typeof value === 'string') {
    writer.uint32(VALUE.text);
    writeText(writer, value);
  } else if (typeof value === 'boolean') {
    writer.uint32(VALUE.bool);
    writer.uint32(value ? 1 : 0);
  } else if (typeof value === 'number' && Number.isFinite(value)) {
    writer.uint32(VALUE.number);
    writer.double(value);
  } else if (Array.isArray(value)) {
    writer.uint32(VALUE.list);
    const start = writer.begin();
    writeList(writer, value, depth + 1);
    writer.end(start);
  } else if (isRecord(value)) {
    writer.uint32(VALUE.struct);
    const start = writer.begin();
    writeStruct(writer, value, depth + 1);
    writer.end(start);
  } else throw new Error(`a google.protobuf.Value cannot be ${shown(value)}`);
}

/** A `google.protobuf.ListValue`. */
export function writeList(writer: ByteWriter, value: unknown, depth: number): void {
  if (!Array.isArray(value)) throw new Error(`a google.protobuf.ListValue cannot be ${shown(value)}`);
  for (const item of value) {
    writer.uint32(FIRST);
    const start = writer.begin();
    writeValue(writer, item, depth + 1);
    writer.end(start);
  }
}

function writeText(writer: ByteWriter, value: string): void {
  if (!value.isWellFormed()) throw new Error(`a text cannot be ${shown(value)}`);
  writer.text(value);
}

/** A plain object: its JSON is its own enumerable fields. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
