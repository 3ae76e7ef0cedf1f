/** What a client comes back with, where that is just what there is, or what there was some changes ago. Pure. */
import type { DeltaRequest } from './codec.ts';
import type { IdSet } from './id-set.ts';
import type { Differences } from './recent-states.ts';
import type { Track } from './track.ts';
import type { TypeLog } from './type-log.ts';

export interface Recognized {
  readonly differences: Differences;
  /** Of the names that it asks for; undefined: it asks for everything. */
  readonly ids: IdSet | undefined;
}

/** @param request the first one of the type @returns undefined: its names are to be looked at one by one. */
export function recognize(track: Track, request: DeltaRequest): Recognized | undefined {
  const { subscribe, unsubscribe, initialVersions } = request;
  if (initialVersions.size === 0 || unsubscribe.length > 0) return undefined;
  // W5: no names at all mean everything, of some types and for some clients.
  const isNamed = !subscribe.hasWildcard && (subscribe.length > 0 || !track.subscription.legacyWildcard);
  if (subscribe.length !== (isNamed ? initialVersions.size : Number(subscribe.hasWildcard))) return undefined;
  const entries = initialVersions.digest();
  const { log } = track;
  const differences = entries && log.recognize(entries, isNamed ? subscribe.digest() : undefined);
  return differences && { differences, ids: isNamed ? idsThen(log, differences) : undefined };
}

function idsThen({ live, names }: TypeLog, differences: Differences): IdSet {
  const ids = live.copy();
  for (const [{ name }, version] of differences) {
    const id = names.idOf(name);
    if (version === undefined) ids.delete(id);
    else ids.add(id);
  }
  return ids;
}
