/** What is noted of one name of a response that a client has refused (N8, N9). Pure. */
import type { ResourceType } from '../translate/resource.ts';
import { type Item, type Known, type Mark, REMOVAL, UNKNOWN } from './pass.ts';

export interface Refused {
  readonly item: Item;
  /** What the client said, and when, in ms. */
  readonly error: string;
  readonly at: number;
  /** What is noted of it since. */
  readonly mark: Mark | undefined;
  /** Whether the response held nothing else. */
  readonly isAlone: boolean;
  /** undefined for a type that we do not serve. */
  readonly type: ResourceType | undefined;
  /** Whether the client may have something from before this stream. */
  readonly mayHaveOlder: boolean;
  /** The version of what there is now, {@link REMOVAL} where there is nothing. */
  readonly newest: string;
}

export function markAfterRefusal({ item, error, at, mark, isAlone, type, mayHaveOlder, newest }: Refused): Mark {
  const { sent, had, mark: before } = item;
  const version = sent?.version ?? REMOVAL;
  const has = hasAfter(had, mark, mayHaveOlder);
  const isForced = mark?.forced === true;
  if (before?.refused?.version === newest && version !== newest) {
    // It had refused the newest before, and this is what it had until then: once more, where that was not alone to blame.
    return { has, forced: isForced || !isAlone, unsure: !isAlone, refused: before.refused, heldSince: undefined };
  }
  // M3: an Envoy whose cluster warms takes what it refuses for no endpoints at all. So it gets those of before.
  const isEndpoints = type === 'endpoints';
  const isLost = isEndpoints && isAlone && before?.forced === true && had?.bytes !== undefined && version !== had.version;
  // R1: that a name does not exist has to be said yet.
  const isOwed = sent === undefined && has === undefined;
  return {
    has,
    forced: isForced || isOwed || isLost,
    unsure: before?.unsure === true || !isAlone || isEndpoints,
    refused: isAlone ? { version, error, at } : undefined,
    heldSince: undefined,
  };
}

function hasAfter(had: Known | undefined, mark: Mark | undefined, mayHaveOlder: boolean): Known | undefined {
  // Asked for again since: then it may have dropped what it had.
  if (mark?.forced === true && (mark.has === undefined || mark.has === UNKNOWN)) return mark.has;
  return had ?? (mayHaveOlder ? UNKNOWN : undefined);
}
