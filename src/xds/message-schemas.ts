/** What the direct encoder has to know of the descriptor's messages, looked up once for each. */
import protojson from 'protobufjs/ext/protojson.js';
import protobuf from 'protobufjs/light.js';
import type { FieldSchema, MessageSchema } from './direct-encoder.ts';

/** Durations and wrapped numbers: a configuration has few different ones, thousands of times. */
const REMEMBERED = 1000;
/** Bits of a number. */
const MAX_ONEOFS = 31;

const LEAVES = new Set(
  ['Duration', 'BoolValue', 'UInt32Value', 'UInt64Value', 'Int32Value', 'Int64Value', 'DoubleValue', 'StringValue'].map(
    (name) => `.google.protobuf.${name}`,
  ),
);
/** JSON of their own, and seldom: left to protobufjs. */
const OTHERS = new Set(
  ['Timestamp', 'FieldMask', 'FloatValue', 'BytesValue', 'Value', 'ListValue'].map((name) => `.google.protobuf.${name}`),
);

const SCALARS: Readonly<Record<string, FieldSchema['kind']>> = {
  string: 'text',
  bool: 'bool',
  int32: 'integer',
  int64: 'integer',
  uint32: 'integer',
  uint64: 'integer',
  double: 'double',
};
const LARGEST: Readonly<Record<string, number>> = { int32: 2 ** 31 - 1, uint32: 2 ** 32 - 1 };

export class MessageSchemas {
  readonly #root: protobuf.Root;
  readonly #known = new Map<protobuf.Type, MessageSchema>();
  readonly #named = new Map<string, MessageSchema | undefined>();

  constructor(root: protobuf.Root) {
    this.#root = root;
  }

  of(type: protobuf.Type): MessageSchema {
    const known = this.#known.get(type);
    if (known !== undefined) return known;
    const fields = new Map<string, FieldSchema | undefined>();
    const schema: MessageSchema = {
      kind: kindOf(type.fullName),
      field: (name) => {
        const found = fields.get(name);
        if (found !== undefined || fields.has(name)) return found;
        const made = this.#field(type, name);
        // Names that do not exist are somebody's mistake, and not remembered.
        if (made !== undefined) fields.set(name, made);
        return made;
      },
      named: (other) => this.named(other),
      leaf: leafEncoder(type),
      constants: new WeakMap(),
      stencils: new WeakMap(),
    };
    this.#known.set(type, schema);
    return schema;
  }

  /** undefined: there is no message of this name. */
  named(name: string): MessageSchema | undefined {
    const known = this.#named.get(name);
    if (known !== undefined) return known;
    const found = this.#root.lookup(name);
    if (!(found instanceof protobuf.Type)) return undefined;
    const schema = this.of(found);
    this.#named.set(name, schema);
    return schema;
  }

  #field(type: protobuf.Type, name: string): FieldSchema | undefined {
    const field = Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
    if (field === undefined || field.delimited || field.required) return undefined;
    const { resolvedType: resolved } = field.resolve();
    const kind = resolved === null ? SCALARS[field.type] : resolved instanceof protobuf.Enum ? 'enum' : 'message';
    if (kind === undefined || (resolved instanceof protobuf.Type && OTHERS.has(resolved.fullName))) return undefined;
    if (field instanceof protobuf.MapField && field.keyType !== 'string') return undefined;
    const oneof = field.partOf === null ? -1 : type.oneofsArray.indexOf(field.partOf);
    if (oneof >= MAX_ONEOFS) return undefined;
    return {
      name,
      id: field.id,
      kind,
      largest: LARGEST[field.type] ?? Number.MAX_SAFE_INTEGER,
      shape: field.map ? 'map' : field.repeated ? 'repeated' : 'one',
      isImplicit: !field.hasPresence,
      oneof: oneof < 0 ? 0 : 1 << oneof,
      values: resolved instanceof protobuf.Enum ? resolved.values : {},
      message: () => {
        if (!(resolved instanceof protobuf.Type)) throw new Error(`${type.fullName}.${name} is no message`);
        return this.of(resolved);
      },
    };
  }
}

function kindOf(fullName: string): MessageSchema['kind'] {
  if (fullName === '.google.protobuf.Any') return 'any';
  if (fullName === '.google.protobuf.Struct') return 'struct';
  return LEAVES.has(fullName) ? 'leaf' : 'message';
}

function leafEncoder(type: protobuf.Type): MessageSchema['leaf'] {
  const remembered = new Map<unknown, Uint8Array>();
  return (value) => {
    // Minus zero is the same key as zero, and other bytes.
    if ((typeof value === 'object' && value !== null) || Object.is(value, -0)) return undefined;
    const known = remembered.get(value);
    if (known !== undefined) return known;
    const bytes = encodeLeaf(type, value);
    if (bytes === undefined) return undefined;
    if (remembered.size >= REMEMBERED) remembered.clear();
    remembered.set(value, bytes);
    return bytes;
  };
}

/** @returns undefined for a value that does not fit: who encodes the whole message says what is wrong. */
function encodeLeaf(type: protobuf.Type, value: unknown): Uint8Array | undefined {
  try {
    return type.encode(protojson.fromJson(type, value)).finish();
  } catch {
    return undefined;
  }
}
