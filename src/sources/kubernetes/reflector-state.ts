/** What a reflector does next: decisions only, no clock and no network. */
import type { Failure } from '../../kubernetes/failure.ts';

export interface ReflectorState {
  /** The resourceVersion that a watch goes on from; undefined: everything has to be listed. */
  readonly version: string | undefined;
  /** In a row; they make the pause before the next attempt longer. */
  readonly failures: number;
  /** The last attempt failed: the next one has to wait. */
  readonly isBackingOff: boolean;
  /** What the server asked for with the last failure, ms. */
  readonly retryAfterMs: number;
  readonly hasListed: boolean;
  readonly trouble: Trouble | undefined;
}

export interface Trouble {
  readonly verb: 'list' | 'watch';
  readonly failure: Failure;
  /** ms since the epoch: when it began, whatever its reason was then. */
  readonly since: number;
}

export type ReflectorEvent =
  | { readonly kind: 'listed'; readonly version: string }
  | { readonly kind: 'list-failed'; readonly failure: Failure }
  | { readonly kind: 'watch-opened' }
  /** Something came: an event or a bookmark. */
  | { readonly kind: 'watch-advanced'; readonly version: string }
  /** `lasted`: ms. */
  | { readonly kind: 'watch-closed'; readonly lasted: number; readonly hasAdvanced: boolean }
  | { readonly kind: 'watch-failed'; readonly failure: Failure };

export const INITIAL_STATE: ReflectorState = {
  version: undefined,
  failures: 0,
  isBackingOff: false,
  retryAfterMs: 0,
  hasListed: false,
  trouble: undefined,
};

/** A watch that the server ends sooner than this, with nothing in it, is no success. */
const SHORT_WATCH_MS = 1_000;

/**
 * A watch that ends as it was asked to goes on from its version. After any other end everything is listed anew, and the
 * difference applied: the server may have been another one meanwhile, with other versions, and a watch from a version
 * that it has yet to reach would be silent.
 * @param now ms since the epoch
 */
export function step(state: ReflectorState, event: ReflectorEvent, now: number): ReflectorState {
  switch (event.kind) {
    case 'listed':
      return {
        ...state,
        version: event.version,
        hasListed: true,
        isBackingOff: false,
        // That watching fails is not disproved by a list.
        trouble: state.trouble?.verb === 'watch' ? state.trouble : undefined,
      };
    case 'watch-opened':
      return { ...state, trouble: undefined, isBackingOff: false };
    case 'watch-advanced':
      return { ...state, version: event.version, failures: 0, isBackingOff: false };
    case 'watch-closed':
      return event.lasted < SHORT_WATCH_MS && !event.hasAdvanced
        ? backingOff(state, 0)
        : { ...state, failures: 0, isBackingOff: false };
    case 'list-failed':
      return { ...failed(state, 'list', event.failure, now), version: undefined };
    case 'watch-failed':
      // What is too old is listed again, and so is what broke off once: that is no trouble unless the list is.
      if (event.failure.isGone || (event.failure.isGeneral && state.failures === 0))
        return { ...backingOff(state, 0), version: undefined };
      return { ...failed(state, 'watch', event.failure, now), version: undefined };
  }
}

function failed(state: ReflectorState, verb: Trouble['verb'], failure: Failure, now: number): ReflectorState {
  const trouble: Trouble = { verb, failure, since: state.trouble?.since ?? now };
  return { ...backingOff(state, failure.retryAfterMs), trouble };
}

function backingOff(state: ReflectorState, retryAfterMs: number): ReflectorState {
  return { ...state, failures: state.failures + 1, isBackingOff: true, retryAfterMs };
}

/** Milliseconds. */
export interface BackOff {
  readonly first: number;
  readonly longest: number;
}

/**
 * Full jitter: anything up to a bound that doubles with each failure, so that many who lost the same server do not come
 * back together.
 * @param random 0 to 1
 */
export function pauseOf(state: ReflectorState, { first, longest }: BackOff, random: number): number {
  const { failures, isBackingOff, retryAfterMs } = state;
  if (!isBackingOff) return 0;
  const bound = Math.min(longest, first * 2 ** Math.min(failures - 1, 30));
  return retryAfterMs + Math.round(random * bound);
}
