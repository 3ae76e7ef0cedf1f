/** Why the cluster cannot be followed now, in one sentence for all of its reflectors. */
import { orGone } from '../../kubernetes/failure.ts';
import type { Trouble } from './reflector-state.ts';
import { describeTarget, type Target } from './resources.ts';

const TOLD = 4;

/** @returns undefined where there is none. */
export function describeTrouble(
  all: readonly { readonly target: Target; readonly trouble: Trouble | undefined }[],
): string | undefined {
  const told = new Set<string>();
  let since = Number.POSITIVE_INFINITY;
  for (const { target, trouble } of all) {
    if (trouble === undefined) continue;
    const { reason, fix, isGeneral } = orGone(trouble.failure, target.namespace);
    const what = isGeneral ? reason : `cannot ${trouble.verb} ${describeTarget(target)}: ${reason}`;
    told.add(fix === '' ? what : `${what}: ${fix}`);
    since = Math.min(since, trouble.since);
  }
  if (told.size === 0) return undefined;
  // A server that cannot be reached fails each of them, one a moment after the other.
  const texts = [...told];
  const rest = texts.length - TOLD;
  return `${texts.slice(0, TOLD).join('; ')}${rest > 0 ? `; and ${rest} more` : ''} (since ${new Date(since).toISOString()})`;
}
