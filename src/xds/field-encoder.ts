/** Texts, bytes, numbers and enums of a message. */
import type { ByteWriter } from './byte-writer.ts';
import type { FieldSchema } from './message-schema.ts';
import { shown } from './shown.ts';
import { integerOf } from './well-known-types.ts';

/** Whether it is the same as nothing, and not written. */
export function isZero({ kind, values }: FieldSchema, value: unknown): boolean {
  if (kind === 'enum') return typeof value === 'string' && Object.hasOwn(values, value) && values[value] === 0;
  if (kind === 'text' || kind === 'bytes') return value === '';
  if (kind === 'bool') return value === false;
  return kind === 'integer' ? value === 0 || value === '0' : Object.is(value, 0);
}

export function isNumeric({ kind }: FieldSchema): boolean {
  return kind !== 'text' && kind !== 'bytes' && kind !== 'message';
}

/** A number, an enum or a boolean, without its tag. @throws Error for one that does not fit. */
export function writeScalar(writer: ByteWriter, field: FieldSchema, value: unknown): void {
  switch (field.kind) {
    case 'bool':
      if (typeof value !== 'boolean') break;
      return writer.uint32(value ? 1 : 0);
    case 'double':
      if (typeof value !== 'number' || !Number.isFinite(value)) break;
      return writer.double(value);
    case 'enum': {
      const number = typeof value === 'string' && Object.hasOwn(field.values, value) ? field.values[value] : undefined;
      if (number === undefined) break;
      return number < 0 ? writer.varint(BigInt(number)) : writer.uint32(number);
    }
    default: {
      if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= field.largestNumber) {
        return writer.integer(value);
      }
      const integer = integerOf(value, field.smallest, field.largest);
      if (integer === undefined) break;
      return writer.varint(integer);
    }
  }
  throw misfit(field, value);
}

/** With its length before it. @throws Error for one that does not fit. */
export function writeText(writer: ByteWriter, value: unknown, field: FieldSchema): void {
  if (typeof value !== 'string' || !value.isWellFormed()) throw misfit(field, value);
  writer.text(value);
}

/** @throws Error for what is no base64 */
export function bytesOf(field: FieldSchema, value: unknown): Uint8Array {
  if (typeof value !== 'string' || !/^[\w+/-]*=*$/.test(value)) throw misfit(field, value);
  return Buffer.from(value, 'base64');
}

export function misfit(field: FieldSchema, value: unknown): Error {
  return new Error(`${field.fullName} cannot be ${shown(value)}`);
}
