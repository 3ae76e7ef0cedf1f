import { describe, expect, test } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import type { ClusterChange } from '../../../src/model/cluster-state.ts';
import { type MergedReceipt, mergeReceipts } from '../../../src/status/merge-receipts.ts';
import { ReceiptBook } from '../../../src/status/receipt-book.ts';
import { aPod, aService, aSlice, keyOf, puts, removal } from '../../support/builders.ts';

function envoys(count: number): ReadonlyMap<string, boolean> {
  return new Map(Array.from({ length: count }, (_, index) => [`gateway~shop/${index}`, true]));
}

class Fixture {
  readonly engine = new InterceptEngine({ lingerMs: 0 });
  readonly book = new ReceiptBook();
  asked = 0;
  receipt: MergedReceipt = { state: 'pending', liveSince: undefined, proxies: envoys(7), silent: 0 };

  constructor() {
    this.apply(puts(aService(), aSlice()), 0);
  }

  apply(changes: readonly ClusterChange[], now: number): void {
    const { services } = this.engine.apply(changes, now);
    this.book.changed(this.engine.model, services, now);
  }

  live(since: number): void {
    this.receipt = { state: 'live', liveSince: since, proxies: envoys(7), silent: 0 };
  }

  /** What may be told, once it is asked for. */
  told(now: number): readonly string[] {
    for (const awaited of this.book.due(now)) {
      this.asked += 1;
      this.book.noted(awaited, this.receipt, now);
    }
    return [...this.book.facts()].flatMap(({ version, text }) => (version === undefined ? [] : [text]));
  }
}

describe('the receipts', () => {
  test('are told with the time from when the change was seen until the last ACK', () => {
    const fixture = new Fixture();
    fixture.apply(puts(aPod()), 1_000);
    expect(fixture.told(1_010)).toEqual([]);
    fixture.live(1_038);
    expect(fixture.told(2_000)).toEqual([
      'Live on 7 of 7 Envoys after 38 ms. Requests to shop/api:80 with the key pr-42 reach it.',
    ]);
    // Nobody is asked again.
    const { asked } = fixture;
    fixture.told(9_000);
    expect(fixture.asked).toBe(asked);
  });

  test('are the same version whatever pods come and go, and another one for another rule', () => {
    const fixture = new Fixture();
    fixture.live(1_000);
    const version = () => [...fixture.book.facts()].map((fact) => fact.version);
    fixture.apply(puts(aPod()), 1_000);
    fixture.told(1_000);
    const first = version();
    expect(first).toEqual([expect.any(String)]);
    fixture.apply(puts(aPod({ name: 'api-pr-42-2', ips: ['10.0.1.2'] })), 2_000);
    fixture.told(2_000);
    expect(version()).toEqual(first);
    const ruled = { intercept: 'api', match: 'x-user=alice' };
    fixture.apply(puts(aPod({ annotations: ruled }), aPod({ name: 'api-pr-42-2', annotations: ruled })), 3_000);
    expect(version()).toEqual([undefined]);
    fixture.live(3_005);
    expect(fixture.told(3_010)).toEqual([
      expect.stringContaining('after 5 ms. Requests to shop/api:80 with the key pr-42, or that'),
    ]);
    expect(version()).not.toEqual(first);
  });

  test('are not told of a preview that no request could reach, or that is gone', () => {
    const fixture = new Fixture();
    fixture.live(1_000);
    fixture.apply(puts(aPod({ ready: false })), 1_000);
    expect(fixture.told(1_000)).toEqual([]);
    fixture.apply(puts(aPod()), 5_000);
    fixture.live(5_010);
    expect(fixture.told(6_000)).toEqual([expect.stringContaining('after 10 ms')]);
    fixture.apply([removal('pod', keyOf(aPod()))], 7_000);
    expect([...fixture.book.facts()]).toEqual([]);
    fixture.told(8_000);
  });

  test('are asked for less and less often while they do not come', () => {
    const fixture = new Fixture();
    fixture.apply(puts(aPod()), 0);
    for (let now = 0; now < 600_000; now += 100) fixture.told(now);
    expect(fixture.asked).toBeLessThan(60);
    expect(fixture.asked).toBeGreaterThan(30);
  });

  test('wait for a replica that gives no answer, but not for good', () => {
    const fixture = new Fixture();
    fixture.apply(puts(aPod()), 0);
    fixture.receipt = { state: 'live', liveSince: 5, proxies: envoys(2), silent: 1 };
    expect(fixture.told(100)).toEqual([]);
    expect(fixture.told(19_000)).toEqual([]);
    expect(fixture.told(60_000)).toEqual([
      expect.stringMatching(/^Live on 2 of 2 Envoys after 5 ms.* 1 of the other replicas gave no answer: their Envoys/),
    ]);
  });

  test('of an intercept that changed while they were asked for count for nothing', () => {
    const fixture = new Fixture();
    fixture.apply(puts(aPod()), 0);
    const [awaited] = fixture.book.due(0);
    fixture.apply(puts(aPod({ annotations: { intercept: 'api', percent: '50' } })), 100);
    fixture.live(50);
    if (awaited !== undefined) fixture.book.noted(awaited, fixture.receipt, 150);
    expect([...fixture.book.facts()].map(({ version }) => version)).toEqual([undefined]);
  });
});

describe('receipts of several replicas', () => {
  const live = { state: 'live', liveSince: 5, proxies: new Map([['a', true]]) } as const;
  const none = { state: 'noProxy', liveSince: undefined, proxies: new Map() } as const;

  test('are live when one is and the others have none to tell; an Envoy that moves counts once', () => {
    expect(mergeReceipts([none, live])).toEqual({ ...live, silent: 0 });
    const moved = {
      state: 'live',
      liveSince: 9,
      proxies: new Map([
        ['a', true],
        ['b', true],
      ]),
    } as const;
    expect(mergeReceipts([live, moved])).toEqual({ ...moved, silent: 0 });
  });

  test('are not live before all are', () => {
    expect(mergeReceipts([live, { ...live, state: 'pending', proxies: new Map([['a', false]]) }])).toMatchObject({
      state: 'pending',
      proxies: new Map([['a', false]]),
    });
    expect(mergeReceipts([live, { ...live, state: 'rejected' }]).state).toBe('rejected');
    expect(mergeReceipts([none]).state).toBe('noProxy');
    expect(mergeReceipts([live, undefined]).silent).toBe(1);
  });
});
