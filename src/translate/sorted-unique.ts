import { compareText } from '../model/order.ts';

/** Each text once, in code unit order: resources must be the same bytes however their parts were found. */
export function sortedUnique<Text extends string>(texts: Iterable<Text>): readonly Text[] {
  const list = [...texts];
  // Most have none or one, and are many.
  return list.length < 2 ? list : [...new Set(list)].sort(compareText);
}
