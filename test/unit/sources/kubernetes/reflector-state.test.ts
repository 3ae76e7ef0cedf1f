import { describe, expect, test } from 'vitest';
import { malformed, refused, unreachable } from '../../../../src/kubernetes/failure.ts';
import {
  INITIAL_STATE,
  pauseOf,
  type ReflectorEvent,
  type ReflectorState,
  step,
} from '../../../../src/sources/kubernetes/reflector-state.ts';
import { WATCHED_RESOURCES } from '../../../../src/sources/kubernetes/resources.ts';
import { describeTrouble } from '../../../../src/sources/kubernetes/trouble.ts';

const BACK_OFF = { first: 100, longest: 1_000 };
const DOWN = unreachable('connection refused');
const GONE = refused(410, { message: 'too old' }, 'pods', 0);

function stateAfter(events: readonly ReflectorEvent[], from: ReflectorState = INITIAL_STATE): ReflectorState {
  return events.reduce((state, event, index) => step(state, event, index + 1), from);
}

const LISTED: ReflectorEvent = { kind: 'listed', version: '7' };
const OPENED: ReflectorEvent = { kind: 'watch-opened' };
const CLOSED: ReflectorEvent = { kind: 'watch-closed', lasted: 240_000, hasAdvanced: true };
const pause = (state: ReflectorState, random = 1) => pauseOf(state, BACK_OFF, random);

describe('a reflector', () => {
  test('watches from where the list was, and on from where the watch was', () => {
    expect(stateAfter([LISTED]).version).toBe('7');
    expect(stateAfter([LISTED, OPENED, { kind: 'watch-advanced', version: '9' }, CLOSED]).version).toBe('9');
  });

  test.each([
    ['breaks', { kind: 'watch-failed', failure: DOWN }],
    ['is too old', { kind: 'watch-failed', failure: GONE }],
    ['sends garbage', { kind: 'watch-failed', failure: malformed('no event') }],
  ] satisfies readonly (readonly [string, ReflectorEvent])[])('lists again when a watch %s', (_, event) => {
    const state = stateAfter([LISTED, OPENED, event]);
    expect(state.version).toBeUndefined();
    expect(state.hasListed).toBe(true);
    expect(pause(state)).toBe(100);
  });

  test('does not wait after what did', () => {
    expect(pause(stateAfter([{ kind: 'list-failed', failure: DOWN }, LISTED]))).toBe(0);
    expect(pause(stateAfter([LISTED, OPENED, CLOSED]))).toBe(0);
    expect(pause(stateAfter([LISTED, OPENED, { kind: 'watch-closed', lasted: 5, hasAdvanced: true }]))).toBe(0);
  });

  test('doubles the bound of its pause to the longest, and takes any part of it', () => {
    const failing = (count: number) => stateAfter(Array(count).fill({ kind: 'list-failed', failure: DOWN }));
    expect([1, 2, 3, 4, 5, 2_000].map((count) => pause(failing(count)))).toEqual([100, 200, 400, 800, 1_000, 1_000]);
    expect(pause(failing(3), 0)).toBe(0);
    expect(pause(failing(3), 0.25)).toBe(100);
  });

  test('goes on doubling where lists do and watches do not', () => {
    const round: readonly ReflectorEvent[] = [LISTED, { kind: 'watch-failed', failure: GONE }];
    expect(pause(stateAfter([...round, ...round, ...round]))).toBe(400);
    const short: readonly ReflectorEvent[] = [OPENED, { kind: 'watch-closed', lasted: 3, hasAdvanced: false }];
    expect(pause(stateAfter([LISTED, ...short, ...short]))).toBe(200);
  });

  test('waits at least as long as it is asked to, once', () => {
    const failure = refused(429, {}, 'pods', 5_000);
    expect(pause(stateAfter([{ kind: 'list-failed', failure }]), 0)).toBe(5_000);
    expect(
      pause(
        stateAfter([
          { kind: 'list-failed', failure },
          { kind: 'list-failed', failure: DOWN },
        ]),
        0,
      ),
    ).toBe(0);
  });

  test('is in no trouble by a watch that breaks off once, and is by one that does again and again', () => {
    const broken: ReflectorEvent = { kind: 'watch-failed', failure: DOWN };
    const once = stateAfter([LISTED, OPENED, { kind: 'watch-advanced', version: '8' }, broken, LISTED, OPENED]);
    expect(once.trouble).toBeUndefined();
    expect(stateAfter([broken], once).trouble).toMatchObject({ verb: 'watch', failure: DOWN });
    expect(stateAfter([{ kind: 'watch-advanced', version: '9' }, broken], once).trouble).toBeUndefined();
  });

  test('is in trouble since its first failure, until what failed does not', () => {
    const listing = stateAfter([
      { kind: 'list-failed', failure: DOWN },
      { kind: 'list-failed', failure: malformed('x') },
    ]);
    expect(listing.trouble).toMatchObject({ since: 1, failure: { reason: 'x' } });
    expect(stateAfter([LISTED], listing).trouble).toBeUndefined();
    const watching = stateAfter([LISTED, { kind: 'watch-failed', failure: malformed('y') }, LISTED]);
    expect(watching.trouble).toMatchObject({ since: 2, failure: { reason: 'y' } });
    expect(stateAfter([OPENED], watching).trouble).toBeUndefined();
    expect(stateAfter([LISTED, OPENED, { kind: 'watch-failed', failure: GONE }]).trouble).toBeUndefined();
  });
});

describe('trouble', () => {
  const all = (['shop', 'web'] as const).flatMap((namespace) => WATCHED_RESOURCES.map((resource) => ({ resource, namespace })));

  test('of the server is told once, and since when', () => {
    const troubled = all.map((target, index) => ({
      target,
      trouble: { verb: 'list' as const, failure: DOWN, since: 1_000 + index },
    }));
    expect(describeTrouble(troubled)).toBe('connection refused (since 1970-01-01T00:00:01.000Z)');
    expect(describeTrouble(all.map((target) => ({ target, trouble: undefined })))).toBeUndefined();
  });

  test('of a resource names it, the namespace and the right that is missing; many are counted', () => {
    const troubled = all.map((target) => ({
      target,
      trouble: {
        verb: 'watch' as const,
        failure: refused(403, { message: 'forbidden' }, target.resource.name, 0),
        since: 0,
      },
    }));
    expect(describeTrouble(troubled.slice(2, 3))).toBe(
      "cannot watch pods in namespace shop: 403 forbidden: whoever Detour runs as needs get, list and watch on pods; where namespace shop is gone, take it out of --namespace (the chart's watchNamespaces) (since 1970-01-01T00:00:00.000Z)",
    );
    expect(describeTrouble(troubled)).toContain('; and 2 more (since');
  });
});
