import { describe, expect, test } from 'vitest';
import { InterceptEngine } from '../../../src/intercepts/engine.ts';
import type { ClusterChange } from '../../../src/model/cluster-state.ts';
import { ReceiptBook, type ReceiptState } from '../../../src/status/receipt-book.ts';
import { aPod, aService, aSlice, keyOf, puts, removal } from '../../support/builders.ts';

class Fixture {
  readonly engine = new InterceptEngine({ lingerMs: 0 });
  readonly book = new ReceiptBook();
  asked = 0;
  receipt: ReceiptState = { needed: 7, acked: 6, state: 'pending' };

  constructor() {
    this.apply(puts(aService(), aSlice()), 0);
  }

  apply(changes: readonly ClusterChange[], now: number): void {
    const { services } = this.engine.apply(changes, now);
    this.book.changed(this.engine.model, services, now);
  }

  live(since: number): void {
    this.receipt = { needed: 7, acked: 7, liveSince: since, state: 'live' };
  }

  /** What may be told, once it is asked for. */
  told(now: number): readonly string[] {
    const ask = (): ReceiptState => {
      this.asked += 1;
      return this.receipt;
    };
    this.book.ask(ask, now);
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
});
