/** Messages whose JSON is a text, a number or a boolean: durations, times, wrapped values. */
import { ByteWriter } from './byte-writer.ts';
import { shown } from './shown.ts';

/** Tags: number << 3 | wire type. */
const FIRST = { varint: 8, fixed64: 9, bytes: 10 } as const;
const SECOND = { varint: 16 } as const;

const DURATION = /^(-?)(\d{1,12})(?:\.(\d{1,9}))?s$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{1,9}))?(?:Z|[+-]\d\d:\d\d)$/;
/** Of seconds: about 10,000 years. */
const LONGEST = 315_576_000_000;

/** Writes the fields of the message. @returns false: it has no such value. */
type Write = (writer: ByteWriter, value: unknown) => boolean;

const LEAVES: Readonly<Record<string, Write>> = {
  'google.protobuf.Duration': writeDuration,
  'google.protobuf.Timestamp': writeTime,
  'google.protobuf.BoolValue': (writer, value) => {
    if (value === true) writeVarint(writer, FIRST.varint, 1n);
    return typeof value === 'boolean';
  },
  'google.protobuf.StringValue': (writer, value) => {
    if (typeof value !== 'string' || !value.isWellFormed()) return false;
    if (value === '') return true;
    writer.uint32(FIRST.bytes);
    writer.text(value);
    return true;
  },
  'google.protobuf.DoubleValue': (writer, value) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return false;
    if (value === 0) return true;
    writer.uint32(FIRST.fixed64);
    writer.double(value);
    return true;
  },
  'google.protobuf.UInt32Value': wrappedInteger(0n, 2n ** 32n - 1n),
  'google.protobuf.UInt64Value': wrappedInteger(0n, 2n ** 64n - 1n),
  'google.protobuf.Int32Value': wrappedInteger(-(2n ** 31n), 2n ** 31n - 1n),
  'google.protobuf.Int64Value': wrappedInteger(-(2n ** 63n), 2n ** 63n - 1n),
};

/** @param name of a message, in full */
export function isLeaf(name: string): boolean {
  return Object.hasOwn(LEAVES, name);
}

/** @throws Error for a value that the message cannot have, and a message that is no leaf. */
export function leafBytes(name: string, value: unknown): Uint8Array {
  const writer = new ByteWriter(32);
  if (LEAVES[name]?.(writer, value) !== true) throw new Error(`a ${name} cannot be ${shown(value)}`);
  return writer.since(0);
}

/**
 * The number that is meant; those that are large may be texts. undefined: it is none, or not between the two.
 */
export function integerOf(value: unknown, smallest: bigint, largest: bigint): bigint | undefined {
  const isInteger = typeof value === 'string' ? /^-?\d{1,20}$/.test(value) : Number.isSafeInteger(value);
  if (!isInteger) return undefined;
  const number = BigInt(value as string | number); // Just looked at.
  return number < smallest || number > largest ? undefined : number;
}

function wrappedInteger(smallest: bigint, largest: bigint): Write {
  return (writer, value) => {
    const number = integerOf(value, smallest, largest);
    if (number === undefined) return false;
    writeVarint(writer, FIRST.varint, number);
    return true;
  };
}

function writeDuration(writer: ByteWriter, value: unknown): boolean {
  const parts = typeof value === 'string' ? DURATION.exec(value) : null;
  if (parts === null) return false;
  const [, minus, seconds = '', fraction = ''] = parts;
  if (Number(seconds) > LONGEST) return false;
  const sign = minus === '' ? 1n : -1n;
  writeVarint(writer, FIRST.varint, BigInt(seconds) * sign);
  writeVarint(writer, SECOND.varint, nanosOf(fraction) * sign);
  return true;
}

function writeTime(writer: ByteWriter, value: unknown): boolean {
  const parts = typeof value === 'string' ? TIME.exec(value) : null;
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  if (parts === null || Number.isNaN(time)) return false;
  writeVarint(writer, FIRST.varint, BigInt(Math.floor(time / 1000)));
  writeVarint(writer, SECOND.varint, nanosOf(parts[1] ?? ''));
  return true;
}

function nanosOf(fraction: string): bigint {
  return BigInt(fraction.padEnd(9, '0'));
}

/** Zero is the same as nothing. */
function writeVarint(writer: ByteWriter, tag: number, value: bigint): void {
  if (value === 0n) return;
  writer.uint32(tag);
  writer.varint(value);
}
