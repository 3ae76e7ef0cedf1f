/**
 * ProtoJSON straight to bytes, for what nearly all of our resources are made of: an order of magnitude faster than by
 * way of message objects. It says so where a message has anything else in it, or anything wrong: then protobufjs, which
 * knows everything, has the word. Both give the same bytes.
 */
import { isConstant } from '../model/constant.ts';
import { type Stencil, Stenciled } from '../model/stencil.ts';
import type { ByteWriter } from './byte-writer.ts';
import { StencilProgram } from './stencil-program.ts';

/** What has to be known of a message type. */
export interface MessageSchema {
  /** `struct`: any JSON object; `leaf`: a well-known type whose JSON is a text, a number or a boolean, like a Duration. */
  readonly kind: 'message' | 'any' | 'struct' | 'leaf';
  /** undefined: there is none of this name, or of a kind that is not for here. */
  readonly field: (name: string) => FieldSchema | undefined;
  /** Of another message, by its full name. */
  readonly named: (name: string) => MessageSchema | undefined;
  /** For a leaf: its bytes; undefined: it has no such value. */
  readonly leaf: (value: unknown) => Uint8Array | undefined;
  /** Bytes of constants that were written. */
  readonly constants: WeakMap<object, Uint8Array>;
  /** Of stencils that were written. */
  readonly stencils: WeakMap<Stencil, StencilProgram>;
}

export interface FieldSchema {
  readonly name: string;
  readonly id: number;
  readonly kind: 'text' | 'bool' | 'integer' | 'enum' | 'double' | 'message';
  /** Of an integer, as far as it is a safe one. Those below zero are not for here. */
  readonly largest: number;
  /** `map`: its keys are texts. */
  readonly shape: 'one' | 'repeated' | 'map';
  /** Zero, false and '' are the same as nothing, and not written. */
  readonly isImplicit: boolean;
  /** Of the oneof that it is a member of; 0: none. */
  readonly oneof: number;
  /** Of an enum. */
  readonly values: Readonly<Record<string, number>>;
  /** Of a message. */
  readonly message: () => MessageSchema;
}

/** Wire types, and tags of the fields of Any, Struct, Value, ListValue and map entries: number << 3 | wire type. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIRST = (1 << 3) | BYTES;
const SECOND = (2 << 3) | BYTES;
const VALUE = {
  number: (2 << 3) | FIXED64,
  text: (3 << 3) | BYTES,
  bool: 4 << 3,
  struct: (5 << 3) | BYTES,
  list: (6 << 3) | BYTES,
};

const DEEPEST = 80;

/** Thrown within this file alone. */
class NotForHere extends Error {}

/** @returns false when it is not for here: what was written is worth nothing then. */
export function writeDirectly(writer: ByteWriter, schema: MessageSchema, message: unknown): boolean {
  return isForHere(() => writeBody(writer, schema, message, 0));
}

/** {@link writeDirectly} of an Any. @param message what is in it, of the schema */
export function writePacked(writer: ByteWriter, typeUrl: string, schema: MessageSchema, message: object): boolean {
  return isForHere(() => writePackedBody(writer, typeUrl, () => writeBody(writer, schema, message, 1)));
}

function isForHere(write: () => void): boolean {
  try {
    write();
    return true;
  } catch (error) {
    if (error instanceof NotForHere) return false;
    throw error;
  }
}

function writeStenciled(writer: ByteWriter, schema: MessageSchema, { stencil, values }: Stenciled, depth: number): void {
  let program = schema.stencils.get(stencil);
  if (program === undefined) {
    program = new StencilProgram((noting) => writeBody(noting, schema, stencil.example, depth));
    schema.stencils.set(stencil, program);
  }
  if (!program.run(writer, values)) throw new NotForHere();
}

/** Of a {@link constant}; the same every time. */
function bytesOfConstant(writer: ByteWriter, schema: MessageSchema, value: object, depth: number): Uint8Array {
  const known = schema.constants.get(value);
  if (known !== undefined) return known;
  const start = writer.position;
  writeBody(writer, schema, value, depth);
  const bytes = writer.since(start);
  writer.rewind(start);
  schema.constants.set(value, bytes);
  return bytes;
}

function writeBody(writer: ByteWriter, schema: MessageSchema, value: unknown, depth: number): void {
  if (depth > DEEPEST) throw new NotForHere();
  if (schema.kind === 'leaf') {
    const bytes = schema.leaf(value);
    if (bytes === undefined) throw new NotForHere();
    writer.raw(bytes);
    return;
  }
  if (value instanceof Stenciled) return writeStenciled(writer, schema, value, depth);
  if (!isRecord(value)) throw new NotForHere();
  if (schema.kind === 'message') writeFields(writer, schema, value, depth, false);
  else if (schema.kind === 'any') writeAny(writer, schema, value, depth);
  else writeStruct(writer, value, depth);
}

function writeAny(writer: ByteWriter, schema: MessageSchema, value: Readonly<Record<string, unknown>>, depth: number): void {
  const type = value['@type'];
  if (typeof type !== 'string') throw new NotForHere();
  const slash = type.lastIndexOf('/');
  const inner = slash < 0 ? undefined : schema.named(type.slice(slash + 1));
  if (inner?.kind !== 'message') throw new NotForHere();
  writePackedBody(writer, type, () => writeFields(writer, inner, value, depth + 1, true));
}

function writePackedBody(writer: ByteWriter, type: string, write: () => void): void {
  writer.uint32(FIRST);
  writeText(writer, type);
  const before = writer.position;
  writer.uint32(SECOND);
  const start = writer.begin();
  write();
  // Bytes that are none are the same as nothing.
  if (writer.end(start) === 0) writer.rewind(before);
}

/** In the order of their numbers, whatever their order in the object. */
function writeFields(
  writer: ByteWriter,
  schema: MessageSchema,
  message: Readonly<Record<string, unknown>>,
  depth: number,
  isPacked: boolean,
): void {
  let isSorted = true;
  let last = 0;
  let oneofs = 0;
  // Plain objects have no fields but their own; and a list of them is not made for each of a million messages.
  for (const name in message) {
    if (isPacked && name === '@type') continue;
    const field = schema.field(name);
    if (field === undefined) throw new NotForHere();
    if ((oneofs & field.oneof) !== 0) throw new NotForHere();
    oneofs |= field.oneof;
    if (field.id < last) isSorted = false;
    last = field.id;
  }
  if (!isSorted) return writeInOrder(writer, schema, message, depth, isPacked);
  for (const name in message) {
    const field = isPacked && name === '@type' ? undefined : schema.field(name);
    if (field !== undefined) writeField(writer, field, message[field.name], depth);
  }
}

/** Fields that are all in the schema. */
function writeInOrder(
  writer: ByteWriter,
  schema: MessageSchema,
  message: Readonly<Record<string, unknown>>,
  depth: number,
  isPacked: boolean,
): void {
  const fields: FieldSchema[] = [];
  for (const name in message) {
    const field = isPacked && name === '@type' ? undefined : schema.field(name);
    if (field === undefined) continue;
    // A message has few.
    let place = fields.length;
    for (; place > 0 && (fields[place - 1]?.id ?? 0) > field.id; place -= 1);
    fields.splice(place, 0, field);
  }
  for (const field of fields) writeField(writer, field, message[field.name], depth);
}

function writeField(writer: ByteWriter, field: FieldSchema, value: unknown, depth: number): void {
  if (field.shape === 'one') return writeOne(writer, field, value, depth);
  if (field.shape === 'map') return writeMap(writer, field, value, depth);
  // Repeated numbers are packed: we have next to none.
  if (!Array.isArray(value) || (field.kind !== 'text' && field.kind !== 'message')) throw new NotForHere();
  const tag = (field.id << 3) | BYTES;
  for (const item of value) {
    writer.uint32(tag);
    writeTextOrMessage(writer, field, item, depth);
  }
}

function writeTextOrMessage(writer: ByteWriter, field: FieldSchema, value: unknown, depth: number): void {
  if (field.kind === 'text') return writeText(writer, value);
  if (typeof value === 'object' && value !== null && isConstant(value)) {
    const bytes = bytesOfConstant(writer, field.message(), value, depth + 1);
    writer.uint32(bytes.length);
    return writer.raw(bytes);
  }
  const start = writer.begin();
  writeBody(writer, field.message(), value, depth + 1);
  writer.end(start);
}

function writeOne(writer: ByteWriter, field: FieldSchema, value: unknown, depth: number): void {
  const { id, kind, isImplicit } = field;
  switch (kind) {
    case 'text':
      if (isImplicit && value === '') return;
      writer.uint32((id << 3) | BYTES);
      return writeText(writer, value);
    case 'message':
      writer.uint32((id << 3) | BYTES);
      return writeTextOrMessage(writer, field, value, depth);
    case 'bool':
      if (typeof value !== 'boolean') throw new NotForHere();
      return writeVarint(writer, field, value ? 1 : 0);
    case 'integer':
      if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > field.largest) throw new NotForHere();
      return writeVarint(writer, field, value);
    case 'enum': {
      const number = typeof value === 'string' && Object.hasOwn(field.values, value) ? field.values[value] : undefined;
      if (number === undefined || number < 0) throw new NotForHere();
      return writeVarint(writer, field, number);
    }
    case 'double':
      if (typeof value !== 'number' || !Number.isFinite(value)) throw new NotForHere();
      if (isImplicit && Object.is(value, 0)) return;
      writer.uint32((id << 3) | FIXED64);
      return writer.double(value);
  }
}

function writeVarint(writer: ByteWriter, { id, isImplicit }: FieldSchema, value: number): void {
  if (isImplicit && value === 0) return;
  writer.uint32((id << 3) | VARINT);
  writer.integer(value);
}

/** Keys are sorted: a version is a hash of the bytes, and must not depend on how a model came about. */
function writeMap(writer: ByteWriter, field: FieldSchema, value: unknown, depth: number): void {
  if (!isRecord(value) || (field.kind !== 'text' && field.kind !== 'message')) throw new NotForHere();
  for (const key of Object.keys(value).sort()) {
    writer.uint32((field.id << 3) | BYTES);
    const start = writer.begin();
    writer.uint32(FIRST);
    writeText(writer, key);
    writer.uint32(SECOND);
    writeTextOrMessage(writer, field, value[key], depth);
    writer.end(start);
  }
}

function writeText(writer: ByteWriter, value: unknown): void {
  if (typeof value !== 'string' || !value.isWellFormed()) throw new NotForHere();
  writer.text(value);
}

function writeStruct(writer: ByteWriter, struct: Readonly<Record<string, unknown>>, depth: number): void {
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
function writeValue(writer: ByteWriter, value: unknown, depth: number): void {
  if (depth > DEEPEST) throw new NotForHere();
  if (typeof value === 'string') {
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
    for (const item of value) {
      writer.uint32(FIRST);
      const inner = writer.begin();
      writeValue(writer, item, depth + 1);
      writer.end(inner);
    }
    writer.end(start);
  } else if (isRecord(value)) {
    writer.uint32(VALUE.struct);
    const start = writer.begin();
    writeStruct(writer, value, depth + 1);
    writer.end(start);
  } else throw new NotForHere();
}

/** A plain object: its JSON is its own enumerable fields. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
