/** What the encoder has to know of messages, looked up once for each that is written. */
import type { Descriptor, FieldFacts, MessageFacts } from './descriptor.ts';
import type { FieldSchema, MessageSchema } from './message-schema.ts';
import { isLeaf, leafBytes } from './well-known-types.ts';

/** Durations and wrapped numbers: a configuration has few different ones, thousands of times. */
const REMEMBERED = 1000;
/** Bits of a number. */
const MAX_ONEOFS = 31;

const KINDS: Readonly<Record<string, MessageSchema['kind']>> = {
  'google.protobuf.Any': 'any',
  'google.protobuf.Struct': 'struct',
  'google.protobuf.Value': 'value',
  'google.protobuf.ListValue': 'list',
};

const SCALARS: Readonly<Record<string, FieldSchema['kind']>> = {
  string: 'text',
  bytes: 'bytes',
  bool: 'bool',
  int32: 'integer',
  int64: 'integer',
  uint32: 'integer',
  uint64: 'integer',
  double: 'double',
};

const RANGES: Readonly<Record<string, readonly [smallest: bigint, largest: bigint]>> = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
};

export class MessageSchemas {
  readonly #descriptor: Descriptor;
  readonly #known = new Map<string, MessageSchema>();

  constructor(descriptor: Descriptor) {
    this.#descriptor = descriptor;
  }

  /** @param name in full @throws Error that names it, where there is none. */
  of(name: string): MessageSchema {
    const found = this.named(name);
    if (found === undefined) throw new Error(`there is no message ${name}`);
    return found;
  }

  /** undefined: there is no message of this name. */
  named(name: string): MessageSchema | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const facts = this.#descriptor.message(name);
    if (facts === undefined) return undefined;
    const fields = new Map<string, FieldSchema>();
    const schema: MessageSchema = {
      name,
      kind: KINDS[name] ?? (isLeaf(name) ? 'leaf' : 'message'),
      field: (field) => {
        const found = fields.get(field);
        if (found !== undefined) return found;
        const made = this.#field(name, facts, field);
        // Names that do not exist are somebody's mistake, and not remembered.
        if (made !== undefined) fields.set(field, made);
        return made;
      },
      named: (other) => this.named(other),
      leaf: remembering((value) => leafBytes(name, value)),
      constants: new WeakMap(),
      stencils: new WeakMap(),
    };
    this.#known.set(name, schema);
    return schema;
  }

  #field(owner: string, { fields, oneofs = {} }: MessageFacts, name: string): FieldSchema | undefined {
    const facts = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (facts === undefined) return undefined;
    const { id, type, rule, keyType } = facts;
    const fullName = `${owner}.${name}`;
    const message = type.startsWith('.') ? this.named(type.slice(1)) : undefined;
    const values = type.startsWith('.') ? this.#descriptor.enum(type.slice(1))?.values : undefined;
    const kind = message === undefined ? (values === undefined ? SCALARS[type] : 'enum') : 'message';
    const oneof = Object.values(oneofs).findIndex((each) => each.oneof.includes(name));
    const oneofName = Object.keys(oneofs)[oneof] ?? '';
    if (kind === undefined || !isEncoded(facts, kind) || oneof >= MAX_ONEOFS) {
      throw new Error(`${fullName} is of a kind that is never written: teach it to the encoder`);
    }
    const [smallest, largest] = RANGES[type] ?? [0n, 0n];
    return {
      name,
      fullName,
      id,
      kind,
      ...{ smallest, largest, largestNumber: Math.min(Number(largest), Number.MAX_SAFE_INTEGER) },
      shape: keyType !== undefined ? 'map' : rule === 'repeated' ? 'repeated' : 'one',
      isImplicit: kind !== 'message' && oneof < 0,
      oneof: oneof < 0 ? 0 : 1 << oneof,
      oneofName,
      values: values ?? {},
      message: () => {
        if (message === undefined) throw new Error(`${fullName} is no message`);
        return message;
      },
    };
  }
}

/** Envoy has no maps of other things than texts to texts and messages. */
function isEncoded({ keyType }: FieldFacts, kind: FieldSchema['kind']): boolean {
  return keyType === undefined || (keyType === 'string' && (kind === 'text' || kind === 'message'));
}

function remembering(bytesOf: (value: unknown) => Uint8Array): MessageSchema['leaf'] {
  const remembered = new Map<unknown, Uint8Array>();
  return (value) => {
    // Minus zero is the same key as zero, and other bytes.
    if ((typeof value === 'object' && value !== null) || Object.is(value, -0)) return bytesOf(value);
    const known = remembered.get(value);
    if (known !== undefined) return known;
    const bytes = bytesOf(value);
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(value, bytes);
    return bytes;
  };
}
