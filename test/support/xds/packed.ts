/** Texts as they come in a request. */
import type { PackedTexts } from '../../../src/xds/packed-texts.ts';
import { readDeltaRequest } from '../../../src/xds/request-reader.ts';
import { encodeRequest } from './independent.ts';

export function packed(texts: readonly string[]): PackedTexts {
  return readDeltaRequest(encodeRequest('DeltaDiscoveryRequest', { resource_names_subscribe: texts })).subscribe;
}

/** What is made of each of them, in their order. */
export function mapPacked<T>(texts: PackedTexts, make: (from: number, to: number) => T): readonly T[] {
  const made: T[] = [];
  for (const each = texts.walk(); each.next(); ) made.push(make(each.from, each.to));
  return made;
}
