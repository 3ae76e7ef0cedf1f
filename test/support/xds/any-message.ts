/** Messages of any type of the descriptor, as ProtoJSON, for properties. */
import fc from 'fast-check';
import protobuf from 'protobufjs/light.js';

const text = fc.oneof(fc.string({ maxLength: 8 }), fc.string({ unit: 'grapheme', maxLength: 60 }));
const key = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/);
/** Minus zero is nothing to protobufjs. */
const double = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => (value === 0 ? 0 : value));
const json = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, fc.constant(null), fc.boolean(), text, double, tie('list'), tie('struct')),
  list: fc.array(tie('value'), { maxLength: 3 }),
  struct: fc.dictionary(key, tie('value'), { maxKeys: 3 }),
}));
const large = (min: bigint, max: bigint): fc.Arbitrary<string> => fc.bigInt({ min, max }).map(String);

const SCALARS: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  string: text,
  bytes: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  bool: fc.boolean(),
  double,
  int32: fc.integer(),
  uint32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  int64: fc.oneof(fc.maxSafeInteger(), large(-(2n ** 63n), 2n ** 63n - 1n)),
  uint64: fc.oneof(fc.maxSafeNat(), large(0n, 2n ** 64n - 1n)),
};

const WELL_KNOWN: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  '.google.protobuf.Duration': fc
    .tuple(fc.boolean(), fc.nat(315_576_000_000), fc.nat(999_999_999))
    .map(([minus, seconds, nanos]) => `${minus ? '-' : ''}${seconds}.${String(nanos).padStart(9, '0')}s`),
  '.google.protobuf.Timestamp': fc
    .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
    .map((date) => date.toISOString()),
  '.google.protobuf.BoolValue': fc.boolean(),
  '.google.protobuf.StringValue': text,
  '.google.protobuf.DoubleValue': double,
  '.google.protobuf.UInt32Value': SCALARS['uint32'] ?? fc.nat(),
  '.google.protobuf.UInt64Value': SCALARS['uint64'] ?? fc.nat(),
  '.google.protobuf.Struct': json.struct,
  '.google.protobuf.Value': json.value,
  '.google.protobuf.ListValue': json.list,
  '.google.protobuf.Any': fc.oneof(
    fc.record({
      '@type': fc.constant('type.googleapis.com/envoy.extensions.filters.http.router.v3.Router'),
      suppress_envoy_headers: fc.boolean(),
    }),
    fc.record({ '@type': fc.constant('type.googleapis.com/google.protobuf.StringValue'), value: text }),
    fc.record({ '@type': fc.constant('type.googleapis.com/google.protobuf.Struct'), value: json.struct }),
  ),
};

/** @param depth of messages within messages */
export function anyMessage(type: protobuf.Type, depth: number): fc.Arbitrary<unknown> {
  const known = WELL_KNOWN[type.fullName];
  if (known !== undefined) return known;
  const fields = type.fieldsArray.filter((field) => depth > 0 || !(field.resolve().resolvedType instanceof protobuf.Type));
  return fc.shuffledSubarray(fields, { maxLength: Math.min(6, fields.length) }).chain((chosen) => {
    const oneofs = new Set<protobuf.OneOf>();
    const shape: Record<string, fc.Arbitrary<unknown>> = {};
    for (const field of chosen) {
      if (field.partOf !== null && oneofs.has(field.partOf)) continue;
      if (field.partOf !== null) oneofs.add(field.partOf);
      shape[field.name] = anyField(field, depth);
    }
    return fc.record(shape);
  });
}

function anyField(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  const one = anyValue(field, depth);
  if (field instanceof protobuf.MapField) return fc.dictionary(key, one, { maxKeys: 3 });
  return field.repeated ? fc.array(one, { maxLength: 3 }) : one;
}

function anyValue({ type, resolvedType }: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  if (resolvedType instanceof protobuf.Type) return anyMessage(resolvedType, depth - 1);
  if (resolvedType !== null) return fc.constantFrom(...Object.keys(resolvedType.values));
  const scalar = SCALARS[type];
  if (scalar === undefined) throw new Error(`a ${type} is not thought of`);
  return scalar;
}
