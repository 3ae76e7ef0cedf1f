/** Protobuf messages → TypeScript declarations of their ProtoJSON form. */
import protobuf from 'protobufjs';

type Closure = ReadonlyMap<string, protobuf.Type | protobuf.Enum>;

/** Well-known types, whose JSON is no object with their fields. */
const WELL_KNOWN: Readonly<Record<string, string>> = {
  'google.protobuf.Any': 'Any',
  'google.protobuf.Duration': 'Duration',
  'google.protobuf.Timestamp': 'string',
  'google.protobuf.FieldMask': 'string',
  'google.protobuf.Struct': 'Struct',
  'google.protobuf.Value': 'Json',
  'google.protobuf.ListValue': 'readonly Json[]',
  'google.protobuf.NullValue': 'null',
  'google.protobuf.BoolValue': 'boolean',
  'google.protobuf.StringValue': 'string',
  'google.protobuf.BytesValue': 'string',
  'google.protobuf.DoubleValue': 'number',
  'google.protobuf.FloatValue': 'number',
  'google.protobuf.Int32Value': 'number',
  'google.protobuf.UInt32Value': 'number',
  'google.protobuf.Int64Value': 'number | string',
  'google.protobuf.UInt64Value': 'number | string',
};

const SCALARS: Readonly<Record<string, string>> = {
  bool: 'boolean',
  string: 'string',
  bytes: 'string',
  int64: 'number | string',
  uint64: 'number | string',
  sint64: 'number | string',
  fixed64: 'number | string',
  sfixed64: 'number | string',
};

const HEAD = `// Made by tools/gen-protos.ts from Envoy's API (Apache-2.0). Not edited, not committed.
// The ProtoJSON form of Envoy's messages: snake_case fields, durations as '1.5s', wrappers as plain values, 64-bit
// numbers as strings where they are large, bytes in base64. Deprecated fields are left out. Of a oneof set one member.

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type Struct = { readonly [name: string]: Json };
export type Duration = \`\${number}s\`;
`;

/** The whole .d.ts: one interface a message, one union an enum, and `Any` over the messages named. */
export function declarations(closure: Closure, anyRoots: readonly string[]): string {
  const names = shortNames(closure);
  const body = [...closure]
    .filter(([full]) => WELL_KNOWN[full] === undefined)
    .map(([full, item]) => declaration(full, item, names));
  const any = anyRoots.map((full) => {
    const known = WELL_KNOWN[full];
    const type = `{ readonly '@type': 'type.googleapis.com/${full}' }`;
    return known === undefined ? `  | (${type} & ${names.get(full)})` : `  | (${type} & { readonly value: ${known} })`;
  });
  return [
    HEAD,
    `/** A message with its type: filters, options, and whatever else is pluggable. */\nexport type Any =\n${any.join('\n')};\n`,
    ...body,
  ].join('\n');
}

/**
 * `Route`, `RouteAction_HashPolicy`: the name within the package; with the package where two of Envoy's share it, or it
 * is not Envoy's.
 */
function shortNames(closure: Closure): Map<string, string> {
  const parts = [...closure].map(([full, item]) => ({ full, ...split(item) }));
  const counts = new Map<string, number>();
  for (const { full, short, scope } of parts) {
    if (scope.startsWith('envoy') && PREFERRED[full] === undefined) counts.set(short, (counts.get(short) ?? 0) + 1);
  }
  const taken = new Set([...Object.values(PREFERRED), 'Json', 'Struct', 'Duration', 'Any']);
  const result = new Map(Object.entries(PREFERRED));
  for (const { full, short, scope } of parts) {
    if (result.has(full)) continue;
    const name = scope.startsWith('envoy') && counts.get(short) === 1 && !taken.has(short) ? short : pascal(scope) + short;
    if (taken.has(name)) throw new Error(`Two messages would be named ${name}; name ${full} in PREFERRED.`);
    taken.add(name);
    result.set(full, name);
  }
  return result;
}

/** Where the rule below gives two messages one name, or a much used one a bad name. */
const PREFERRED: Readonly<Record<string, string>> = {
  'envoy.config.listener.v3.Filter': 'Filter',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': 'HttpProtocolOptions',
};

function split(item: protobuf.Type | protobuf.Enum): { readonly short: string; readonly scope: string } {
  const path = [item.name];
  let parent = item.parent;
  while (parent instanceof protobuf.Type) {
    path.unshift(parent.name);
    parent = parent.parent;
  }
  return { short: path.join('_'), scope: parent?.fullName.slice(1) ?? '' };
}

function pascal(scope: string): string {
  if (scope.startsWith('xds.')) return 'Xds';
  return scope
    .split('.')
    .filter((part) => !/^v\d/.test(part) && !['envoy', 'config', 'extensions', 'filters', 'type', 'service'].includes(part))
    .flatMap((part) => part.split('_'))
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join('');
}

function declaration(full: string, item: protobuf.Type | protobuf.Enum, names: ReadonlyMap<string, string>): string {
  const name = names.get(full);
  if (item instanceof protobuf.Enum) {
    const values = Object.keys(item.values).map((value) => `'${value}'`);
    return `/** ${full} */\nexport type ${name} = ${values.join(' | ')};\n`;
  }
  const fields = item.fieldsArray
    .filter((field) => field.options?.['deprecated'] !== true)
    .map((field) => `  readonly ${field.name}?: ${fieldType(field, names)};\n`);
  return `/** ${full} */\nexport interface ${name} {\n${fields.join('')}}\n`;
}

function fieldType(field: protobuf.Field, names: ReadonlyMap<string, string>): string {
  const full = field.resolvedType?.fullName.slice(1);
  const single = full === undefined ? (SCALARS[field.type] ?? 'number') : (WELL_KNOWN[full] ?? names.get(full) ?? 'never');
  if (field instanceof protobuf.MapField) return `{ readonly [key: string]: ${single} }`;
  if (!field.repeated) return single;
  return `readonly ${single.includes('|') || single.startsWith('readonly') ? `(${single})` : single}[]`;
}
