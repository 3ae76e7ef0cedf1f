/**
 * `npm run gen`: Envoy's .proto files (a devDependency) → `src/generated/envoy.json`, a descriptor that protobufjs loads
 * in no time, and `src/generated/envoy.d.ts`, the same messages as ProtoJSON-shaped types. Both are output: not edited,
 * not committed.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';
import { ANY_ROOTS, OVERLAY, PROTO_FILES, PROTOCOL_ROOTS } from './proto-roots.ts';
import { declarations } from './proto-types.ts';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(project, 'node_modules');
const includes = [
  ...['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map((name) => join(modules, '@grpc/grpc-js-xds/deps', name)),
  join(modules, 'protobufjs'),
];

function load(): protobuf.Root {
  const root = new protobuf.Root();
  root.resolvePath = (_origin, target) => {
    const found = includes.map((folder) => join(folder, target)).find((file) => existsSync(file));
    if (found === undefined) throw new Error(`${target} is in none of the include folders: ${includes.join(', ')}`);
    return found;
  };
  root.loadSync([...PROTO_FILES], { keepCase: true });
  for (const { message, name, id, type, repeated } of OVERLAY) {
    root.lookupType(message).add(new protobuf.Field(name, id, type, repeated === true ? 'repeated' : undefined));
  }
  root.resolveAll();
  return root;
}

/** Every message and enum that the roots refer to, by full name without the leading dot. */
function closureOf(root: protobuf.Root, names: readonly string[]): Map<string, protobuf.Type | protobuf.Enum> {
  const found = new Map<string, protobuf.Type | protobuf.Enum>();
  const visit = (item: protobuf.Type | protobuf.Enum): void => {
    const name = item.fullName.slice(1);
    if (found.has(name)) return;
    found.set(name, item);
    if (item instanceof protobuf.Type) {
      for (const field of item.fieldsArray) {
        if (field.resolvedType !== null) visit(field.resolvedType);
      }
    }
  };
  for (const name of names) visit(root.lookupType(name));
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

interface Node {
  fields?: object;
  nested?: Record<string, Node>;
  [key: string]: unknown;
}

/** The closure as a tree in protobufjs' JSON form, without options, comments and services. */
function descriptorOf(closure: ReadonlyMap<string, protobuf.Type | protobuf.Enum>): Node {
  const root: Node = { nested: {} };
  for (const [name, item] of closure) {
    let node = root;
    for (const part of name.split('.')) {
      node.nested ??= {};
      node.nested[part] ??= {};
      node = node.nested[part];
    }
    Object.assign(node, item instanceof protobuf.Enum ? { edition: 'proto3', values: item.values } : typeNode(item));
  }
  return root;
}

function typeNode(type: protobuf.Type): Node {
  const fields = type.fieldsArray.map((field) => [
    field.name,
    {
      type: field.resolvedType === null ? field.type : field.resolvedType.fullName,
      id: field.id,
      ...(field.repeated ? { rule: 'repeated' } : {}),
      ...(field instanceof protobuf.MapField ? { keyType: field.keyType } : {}),
      ...(field.options?.['proto3_optional'] === true ? { options: { proto3_optional: true } } : {}),
    },
  ]);
  const oneofs = type.oneofsArray.map((each) => [each.name, { oneof: each.oneof }]);
  return {
    edition: 'proto3',
    ...(oneofs.length > 0 ? { oneofs: Object.fromEntries(oneofs) } : {}),
    fields: Object.fromEntries(fields),
  };
}

const root = load();
const closure = closureOf(root, [...ANY_ROOTS, ...PROTOCOL_ROOTS]);
const folder = join(project, 'src/generated');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'envoy.json'), JSON.stringify(descriptorOf(closure)));
writeFileSync(join(folder, 'envoy.d.ts'), declarations(closure, ANY_ROOTS));
