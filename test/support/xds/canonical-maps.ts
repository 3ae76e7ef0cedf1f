/**
 * Protobuf maps are encoded in the order in which they were filled. A version is a hash of the bytes, so the order must
 * not depend on how a model came about (lesson 2 of the xDS rules): keys are sorted before encoding.
 */

/** What has to be known of a message type to find its maps. */
export interface MessageShape {
  /** `any`: the message that '@type' names; `free`: a Struct, all of it maps. */
  readonly kind: 'message' | 'any' | 'free';
  /** undefined for a field that does not exist: left for the encoder to refuse. */
  readonly field: (name: string) => { readonly map: boolean; readonly shape: MessageShape | undefined } | undefined;
  /** The shape of another message by its full name. */
  readonly named: (name: string) => MessageShape | undefined;
}

/** @returns `message` itself wherever nothing had to move. */
export function canonicalMaps(shape: MessageShape, message: object): object {
  if (shape.kind === 'free') return sortFree(message) as object;
  const inner = shape.kind === 'any' ? innerShape(shape, message) : shape;
  if (inner === undefined) return message;
  if (inner.kind === 'free') return sortFree(message) as object;
  return replaceValues(message, (name, value) => {
    const field = inner.field(name);
    if (field === undefined || value === null || typeof value !== 'object') return value;
    if (field.map) return sortMap(field.shape, value);
    if (field.shape === undefined) return value;
    return Array.isArray(value) ? replaceItems(field.shape, value) : canonicalMaps(field.shape, value);
  });
}

function innerShape(shape: MessageShape, message: object): MessageShape | undefined {
  const type = '@type' in message ? message['@type'] : undefined;
  return typeof type === 'string' ? shape.named(type.slice(type.lastIndexOf('/') + 1)) : undefined;
}

function replaceItems(shape: MessageShape, items: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index];
    if (item === null || typeof item !== 'object') continue;
    const replaced = canonicalMaps(shape, item);
    if (replaced === item) continue;
    copy ??= [...items];
    copy[index] = replaced;
  }
  return copy ?? items;
}

function sortMap(shape: MessageShape | undefined, map: object): object {
  const sorted = sortKeys(map);
  if (shape === undefined) return sorted;
  return replaceValues(sorted, (_key, value) =>
    value !== null && typeof value === 'object' ? canonicalMaps(shape, value) : value,
  );
}

function sortFree(value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  if (Array.isArray(value)) return value.map(sortFree);
  return replaceValues(sortKeys(value), (_key, each) => sortFree(each));
}

function sortKeys(value: object): object {
  const entries = Object.entries(value);
  const isSorted = entries.every(([key], index) => index === 0 || (entries[index - 1]?.[0] ?? '') <= key);
  return isSorted ? value : Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** `value` itself when `replace` gives back every value as it was. */
function replaceValues(value: object, replace: (key: string, value: unknown) => unknown): object {
  let copy: Record<string, unknown> | undefined;
  for (const [key, each] of Object.entries(value)) {
    const replaced = replace(key, each);
    if (replaced === each) continue;
    copy ??= { ...value };
    copy[key] = replaced;
  }
  return copy ?? value;
}
