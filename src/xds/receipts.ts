/** Proof that an intercept is live: every connected Envoy that needs it has acknowledged the version that holds it. */
import type { InterceptId } from '../model/names.ts';
import type { Audience, Member } from './audience.ts';
import type { ServedView } from './served-view.ts';

export interface Receipt {
  /** How many connected Envoys need the intercept. */
  readonly needed: number;
  /** How many of them have acknowledged it as it is now. */
  readonly acked: number;
  /** ms; only while it is live. */
  readonly liveSince?: number;
  readonly state: 'live' | 'pending' | 'noProxy' | 'rejected';
}

export interface ServedTo {
  readonly served: ServedView;
  readonly audience: Audience;
}

/** Connected Envoys that need the intercept, by `node.id`: whether all that claim the id have acknowledged it as it is now. */
export function holdersOf(intercept: InterceptId, views: Iterable<ServedTo>): ReadonlyMap<string, boolean> {
  return heldBy(intercept, views, ({ nodeId }) => nodeId);
}

/** Whether all streams of one name that ask for the intercept's resources have acknowledged them as they are now. */
function heldBy(
  intercept: InterceptId,
  views: Iterable<ServedTo>,
  nameOf: (member: Member) => string,
): ReadonlyMap<string, boolean> {
  const held = new Map<string, boolean>();
  for (const { served, audience } of views) {
    const resources = [...served.view.resourcesOf(intercept)];
    if (resources.length === 0) continue;
    for (const { session, member } of audience.readers) {
      const verdicts = resources.map((resource) => session.holds(resource)).filter((each) => each !== undefined);
      const name = nameOf(member);
      if (verdicts.length > 0) held.set(name, (held.get(name) ?? true) && verdicts.every((each) => each));
    }
  }
  return held;
}

/** Whether the receipt of one view is `live`: seen without counting the Envoys. */
export function isLiveIn(intercept: InterceptId, { served, audience }: ServedTo): boolean {
  if (served.rejection(intercept) !== undefined) return false;
  const resources = [...served.view.resourcesOf(intercept)];
  let isNeeded = false;
  for (const { session } of audience.readers) {
    for (const resource of resources) {
      const holds = session.holds(resource);
      if (holds === false) return false;
      isNeeded ||= holds === true;
    }
  }
  return isNeeded;
}

/** @param now ms */
export function receiptOf(intercept: InterceptId, views: Iterable<ServedTo>, now: number): Receipt {
  const all = [...views];
  const envoys = heldBy(intercept, all, ({ envoy }) => envoy);
  let isRejected = false;
  let liveSince = 0;
  const involved: Audience[] = [];
  for (const { served, audience } of all) {
    if (served.rejection(intercept) !== undefined) isRejected = true;
    if ([...served.view.resourcesOf(intercept)].length === 0) continue;
    involved.push(audience);
    liveSince = Math.max(liveSince, audience.liveSince(intercept) ?? 0);
  }
  const needed = envoys.size;
  const acked = [...envoys.values()].filter((each) => each).length;
  if (isRejected) return { needed, acked, state: 'rejected' };
  if (needed === 0) return { needed, acked, state: 'noProxy' };
  if (acked < needed) return { needed, acked, state: 'pending' };
  if (liveSince === 0) {
    // It was there before its Envoys came: it counts from when somebody first saw it complete.
    for (const audience of involved) audience.noteLive(intercept, now);
    liveSince = now;
  }
  return { needed, acked, liveSince, state: 'live' };
}
