/**
 * ProtoJSON straight to protobuf's bytes, without message objects in between. Maps are written in the order of their keys: a
 * version is a hash of the bytes, and must not depend on how a model came about. It takes what the types of
 * generated/envoy.d.ts say: names of fields as in the .proto files, enums by name, 64-bit numbers as texts where they are large.
 */
import { isConstant } from '../model/constant.ts';
import { Stenciled, withoutStencils } from '../model/stencil.ts';
import type { ByteWriter } from './byte-writer.ts';
import { bytesOf, isNumeric, isZero, misfit, writeScalar, writeText } from './field-encoder.ts';
import type { FieldSchema, MessageSchema } from './message-schema.ts';
import { shown } from './shown.ts';
import { StencilProgram } from './stencil-program.ts';
import { isRecord, writeList, writeStruct, writeValue } from './struct-encoder.ts';
import { DEEPEST, FIRST, SECOND, WIRE } from './wire-types.ts';

/** @throws Error that names the message and the field, for an unknown field or a value that does not fit. */
export function writeMessage(writer: ByteWriter, schema: MessageSchema, message: unknown): void {
  writeBody(writer, schema, message, 0);
}

/** {@link writeMessage} of an Any. @param message what is in it, of the schema */
export function writePacked(writer: ByteWriter, typeUrl: string, schema: MessageSchema, message: object): void {
  writePackedBody(writer, typeUrl, () => writeBody(writer, schema, message, 1));
}

function writeStenciled(writer: ByteWriter, schema: MessageSchema, stenciled: Stenciled, depth: number): void {
  const { stencil, values } = stenciled;
  let program = schema.stencils.get(stencil);
  if (program === undefined) {
    program = new StencilProgram((noting) => writeBody(noting, schema, stencil.example, depth));
    schema.stencils.set(stencil, program);
  }
  const start = writer.position;
  if (program.run(writer, values)) return;
  writer.rewind(start);
  writeBody(writer, schema, withoutStencils<unknown>(stenciled), depth);
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
  if (depth > DEEPEST) throw new Error(`${schema.name}: messages within messages are more than ${DEEPEST} deep`);
  if (schema.kind === 'leaf') return writer.raw(schema.leaf(value));
  if (schema.kind === 'value') return writeValue(writer, value, depth);
  if (schema.kind === 'list') return writeList(writer, value, depth);
  if (value instanceof Stenciled) return writeStenciled(writer, schema, value, depth);
  if (!isRecord(value)) throw new Error(`a ${schema.name} cannot be ${shown(value)}`);
  if (schema.kind === 'message') writeFields(writer, schema, value, depth, false);
  else if (schema.kind === 'any') writeAny(writer, schema, value, depth);
  else writeStruct(writer, value, depth);
}

function writeAny(writer: ByteWriter, schema: MessageSchema, value: Readonly<Record<string, unknown>>, depth: number): void {
  const type = value['@type'];
  if (typeof type !== 'string') throw new Error(`${schema.name}: its @type cannot be ${shown(type)}`);
  const inner = schema.named(type.slice(type.lastIndexOf('/') + 1));
  if (inner === undefined || !type.includes('/')) throw new Error(`${schema.name}: there is no type ${shown(type)}`);
  writePackedBody(writer, type, () => {
    if (inner.kind === 'message') return writeFields(writer, inner, value, depth + 1, true);
    const others = Object.keys(value).filter((name) => name !== '@type');
    if (others.length !== 1 || others[0] !== 'value')
      throw new Error(`${inner.name}: in an Any it has a value, and nothing else`);
    writeBody(writer, inner, value['value'], depth + 1);
  });
}

function writePackedBody(writer: ByteWriter, type: string, write: () => void): void {
  writer.uint32(FIRST);
  writer.text(type);
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
    if (field === undefined) throw new Error(`${schema.name} has no field ${shown(name)}`);
    if (message[name] === null && isNothing(field)) continue;
    if ((oneofs & field.oneof) !== 0)
      throw new Error(`${field.fullName}: there is another member of the oneof ${field.oneofName}`);
    oneofs |= field.oneof;
    if (field.id < last) isSorted = false;
    last = field.id;
  }
  if (!isSorted) return writeInOrder(writer, schema, message, depth, isPacked);
  for (const name in message) {
    const field = isPacked && name === '@type' ? undefined : schema.field(name);
    if (field !== undefined) writeField(writer, field, message[name], depth);
  }
}

/** Whether null is the same as no value: but for where any JSON may stand. */
function isNothing(field: FieldSchema): boolean {
  return !(field.kind === 'message' && field.shape === 'one' && field.message().kind === 'value');
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
  if (value === null && isNothing(field)) return;
  if (field.shape === 'one') writeOne(writer, field, value, depth);
  else if (field.shape === 'map') writeMap(writer, field, value, depth);
  else writeRepeated(writer, field, value, depth);
}

function writeRepeated(writer: ByteWriter, field: FieldSchema, value: unknown, depth: number): void {
  if (!Array.isArray(value)) throw misfit(field, value);
  if (value.length === 0) return;
  writer.uint32((field.id << 3) | WIRE.bytes);
  if (isNumeric(field)) {
    const start = writer.begin();
    for (const item of value) writeScalar(writer, field, item);
    writer.end(start);
    return;
  }
  value.forEach((item: unknown, index) => {
    if (index > 0) writer.uint32((field.id << 3) | WIRE.bytes);
    writeDelimited(writer, field, item, depth);
  });
}

/** With its length before it. */
function writeDelimited(writer: ByteWriter, field: FieldSchema, value: unknown, depth: number): void {
  if (field.kind === 'text') return writeText(writer, value, field);
  if (field.kind === 'bytes') return writeBytes(writer, bytesOf(field, value));
  if (typeof value === 'object' && value !== null && isConstant(value)) {
    return writeBytes(writer, bytesOfConstant(writer, field.message(), value, depth + 1));
  }
  const start = writer.begin();
  writeBody(writer, field.message(), value, depth + 1);
  writer.end(start);
}

function writeBytes(writer: ByteWriter, bytes: Uint8Array): void {
  writer.uint32(bytes.length);
  writer.raw(bytes);
}

function writeOne(writer: ByteWriter, field: FieldSchema, value: unknown, depth: number): void {
  const { id, kind, isImplicit } = field;
  if (kind === 'message') {
    writer.uint32((id << 3) | WIRE.bytes);
    return writeDelimited(writer, field, value, depth);
  }
  if (isImplicit && isZero(field, value)) return;
  if (isNumeric(field)) {
    writer.uint32((id << 3) | (kind === 'double' ? WIRE.fixed64 : WIRE.varint));
    return writeScalar(writer, field, value);
  }
  writer.uint32((id << 3) | WIRE.bytes);
  writeDelimited(writer, field, value, depth);
}

/** Keys are sorted: a version is a hash of the bytes, and must not depend on how a model came about. */
function writeMap(writer: ByteWriter, field: FieldSchema, value: unknown, depth: number): void {
  if (!isRecord(value)) throw misfit(field, value);
  for (const key of Object.keys(value).sort()) {
    writer.uint32((field.id << 3) | WIRE.bytes);
    const start = writer.begin();
    writer.uint32(FIRST);
    writeText(writer, key, field);
    writer.uint32(SECOND);
    writeDelimited(writer, field, value[key], depth);
    writer.end(start);
  }
}
