/** Messages as protobufjs writes them, which others made: what ours are compared with. */
import { readFileSync } from 'node:fs';
import protojson from 'protobufjs/ext/protojson.js';
import protobuf from 'protobufjs/light.js';
import { canonicalMaps, type MessageShape } from './canonical-maps.ts';

const descriptor = readFileSync(new URL('../../../src/generated/envoy.json', import.meta.url), 'utf8');
export const root = protobuf.Root.fromJSON(JSON.parse(descriptor) as protobuf.INamespace);
root.resolveAll();

/** With the keys of maps in their order. @param name in full @throws Error for what does not fit */
export function byProtobufjs(name: string, message: unknown): Buffer {
  const type = root.lookupType(name);
  const sorted = typeof message === 'object' && message !== null ? canonicalMaps(shapeOf(type), message) : message;
  return Buffer.from(type.encode(protojson.fromJson(type, sorted)).finish());
}

const shapes = new WeakMap<protobuf.Type, MessageShape>();

function shapeOf(type: protobuf.Type): MessageShape {
  const known = shapes.get(type);
  if (known !== undefined) return known;
  const shape: MessageShape = {
    kind: KINDS[type.fullName] ?? 'message',
    field: (name) => {
      const found = type.fields[name];
      if (found === undefined) return undefined;
      return { map: found.map, shape: found.resolvedType instanceof protobuf.Type ? shapeOf(found.resolvedType) : undefined };
    },
    named: (name) => {
      const found = root.lookup(name);
      return found instanceof protobuf.Type ? shapeOf(found) : undefined;
    },
  };
  shapes.set(type, shape);
  return shape;
}

const KINDS: Readonly<Record<string, MessageShape['kind']>> = {
  '.google.protobuf.Any': 'any',
  '.google.protobuf.Struct': 'free',
  '.google.protobuf.Value': 'free',
  '.google.protobuf.ListValue': 'free',
};
