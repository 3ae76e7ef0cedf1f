import { expect, test } from 'vitest';
import { type Claim, leaseOf, mayClaim, observe, readLease } from '../../../src/status/lease-record.ts';

const CLAIM: Claim = {
  namespace: 'detour-system',
  name: 'detour',
  holder: 'one',
  durationMs: 15_000,
  now: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
};
const versioned = (lease: ReturnType<typeof leaseOf>, resourceVersion: string) =>
  readLease({ ...lease, metadata: { resourceVersion } });

test('a Lease is held until nobody has seen it renewed for its time, whatever times stand in it', () => {
  const record = versioned(leaseOf({ ...CLAIM, now: Date.UTC(1999, 0) }, undefined), '1');
  const seen = observe(undefined, record, 1_000);
  expect(mayClaim(seen, 'two', 15_999)).toBe(false);
  expect(mayClaim(seen, 'two', 16_000)).toBe(true);
  expect(mayClaim(seen, 'one', 1_000)).toBe(true);
  // Looking does not renew it; another version does.
  expect(observe(seen, { ...record }, 10_000)).toBe(seen);
  const renewed = observe(seen, { ...record, resourceVersion: '2' }, 10_000);
  expect(mayClaim(renewed, 'two', 16_000)).toBe(false);
});

test("one that was given up, or that cannot be read, is anybody's", () => {
  const held = versioned(leaseOf(CLAIM, undefined), '1');
  const released = versioned(leaseOf({ ...CLAIM, holder: '' }, held), '2');
  expect(mayClaim(observe(undefined, released, 0), 'two', 0)).toBe(true);
  expect(mayClaim(observe(undefined, readLease({ spec: 'nonsense' }), 0), 'two', 0)).toBe(true);
});

test('a claim is written over the version that was read, and counts the changes of hands', () => {
  const first = leaseOf(CLAIM, undefined);
  expect(first).toMatchObject({
    metadata: { namespace: 'detour-system', name: 'detour' },
    spec: {
      holderIdentity: 'one',
      leaseDurationSeconds: 15,
      acquireTime: '2026-01-02T03:04:05.678000Z',
      renewTime: '2026-01-02T03:04:05.678000Z',
      leaseTransitions: 0,
    },
  });
  const before = versioned(first, '7');
  const later = CLAIM.now + 2_000;
  expect(leaseOf({ ...CLAIM, now: later }, before)).toMatchObject({
    metadata: { resourceVersion: '7' },
    spec: { acquireTime: '2026-01-02T03:04:05.678000Z', renewTime: '2026-01-02T03:04:07.678000Z', leaseTransitions: 0 },
  });
  expect(leaseOf({ ...CLAIM, holder: 'two', now: later }, before)).toMatchObject({
    spec: { acquireTime: '2026-01-02T03:04:07.678000Z', leaseTransitions: 1 },
  });
  expect(leaseOf({ ...CLAIM, holder: '' }, before)).toMatchObject({ spec: { leaseDurationSeconds: 1, leaseTransitions: 0 } });
});
