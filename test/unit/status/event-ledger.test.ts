import { describe, expect, test } from 'vitest';
import { EventLedger, LEDGER_LIMITS, type LedgerLimits, type Outcome } from '../../../src/status/event-ledger.ts';
import type { Fact } from '../../../src/status/fact.ts';
import { aFact } from './facts.ts';

const LIMITS: LedgerLimits = {
  ...LEDGER_LIMITS,
  settleMs: 1_000,
  repeatMs: 100_000,
  deniedMs: 50_000,
  perObject: { burst: 3, everyMs: 10_000 },
  inTotal: { burst: 5, everyMs: 1_000 },
};

class Fixture {
  readonly ledger: EventLedger;

  constructor(limits: Partial<LedgerLimits> = {}) {
    this.ledger = new EventLedger(0, { ...LIMITS, ...limits });
  }

  /** What is written then, as `topic phase version`. */
  at(now: number, facts: readonly Fact[], outcome: Outcome = 'written'): readonly string[] {
    this.ledger.observe(facts, now);
    return this.ledger.take(now, 100).map((telling) => {
      this.ledger.done(telling, outcome, now);
      return `${telling.fact.topic} ${telling.phase} ${telling.version}`;
    });
  }
}

const a = aFact({ topic: 'a' });
const b = aFact({ topic: 'b', target: { kind: 'Service', namespace: 'shop', name: 'api' } });

describe('the ledger', () => {
  test('tells what lasts, once, and its end, once', () => {
    const fixture = new Fixture();
    expect(fixture.at(0, [a])).toEqual([]);
    expect(fixture.at(999, [a])).toEqual([]);
    expect(fixture.at(1_000, [a, b])).toEqual(['a is v1']);
    expect(fixture.at(2_000, [a, b])).toEqual(['b is v1']);
    expect(fixture.at(3_000, [a])).toEqual([]);
    expect(fixture.at(4_000, [a])).toEqual(['b ended v1']);
    expect(fixture.at(90_000, [a])).toEqual([]);
    expect(fixture.ledger.size).toBe(1);
  });

  test('tells nothing of what comes and goes within the settle time', () => {
    const fixture = new Fixture();
    for (let now = 0; now < 20_000; now += 500) expect(fixture.at(now, now % 1_000 === 0 ? [a] : [])).toEqual([]);
    expect(fixture.at(30_000, [a])).toEqual([]);
    expect(fixture.at(31_000, [a])).toEqual(['a is v1']);
    for (let now = 40_000; now < 60_000; now += 500) expect(fixture.at(now, now % 1_000 === 0 ? [] : [a])).toEqual([]);
  });

  test('tells a new text as one that is there already, even one that never rests', () => {
    const fixture = new Fixture();
    fixture.at(0, [a]);
    expect(fixture.at(1_000, [a])).toEqual(['a is v1']);
    const told = Array.from({ length: 10 }, (_, step) => fixture.at(2_000 + 200 * step, [{ ...a, version: `w${step}` }])).flat();
    expect(told).toEqual(['a is w5']);
  });

  test('remembers what was told while there is nothing to say', () => {
    const live = aFact({ topic: 'live', ending: undefined, repeats: false });
    const fixture = new Fixture();
    fixture.at(0, [live]);
    expect(fixture.at(1_000, [live])).toEqual(['live is v1']);
    expect(fixture.at(5_000, [{ ...live, version: undefined }])).toEqual([]);
    expect(fixture.at(10_000, [live])).toEqual([]);
    expect(fixture.at(20_000, [live])).toEqual([]);
    // Its end is nobody's matter, and forgotten.
    expect(fixture.at(30_000, [])).toEqual([]);
    expect(fixture.ledger.size).toBe(0);
  });

  test('tells what is still so again, before Kubernetes forgets it', () => {
    const fixture = new Fixture();
    fixture.at(0, [a]);
    expect(fixture.at(1_000, [a])).toEqual(['a is v1']);
    expect(fixture.at(100_999, [a])).toEqual([]);
    expect(fixture.at(101_000, [a])).toEqual(['a is v1']);
    expect(fixture.at(101_001, [a])).toEqual([]);
  });

  test('goes on where the last leader stopped', () => {
    const fixture = new Fixture();
    const told = (fact: Fact, phase: 'is' | 'ended', at: number, version = 'v1') => ({
      ...{ fact, phase, version, at },
      uid: undefined,
    });
    const c = aFact({ topic: 'c' });
    const over = aFact({ topic: 'over' });
    fixture.ledger.seed([
      told(a, 'is', 10),
      told(b, 'is', 10),
      told(c, 'ended', 30),
      told(c, 'is', 20),
      told(over, 'is', 20),
      told(over, 'ended', 30),
    ]);
    expect(fixture.at(1_000, [a, c])).toEqual([]);
    expect(fixture.at(2_000, [a, c])).toEqual(['b ended v1', 'c is v1']);
  });

  test('tries again what failed, later what is denied, and never what is refused or gone', () => {
    const fixture = new Fixture();
    fixture.at(0, [a]);
    expect(fixture.at(1_000, [a], 'failed')).toEqual(['a is v1']);
    expect(fixture.at(1_999, [a])).toEqual([]);
    expect(fixture.at(2_000, [a], 'denied')).toEqual(['a is v1']);
    expect(fixture.at(51_999, [a])).toEqual([]);
    expect(fixture.at(52_000, [a], 'refused')).toEqual(['a is v1']);
    expect(fixture.ledger.dropped).toBe(1);
    expect(fixture.at(60_000, [a])).toEqual([]);
    expect(fixture.at(70_000, [])).toEqual([]);
    expect(fixture.at(71_000, [], 'gone')).toEqual(['a ended v1']);
    expect(fixture.at(80_000, [])).toEqual([]);
    expect(fixture.ledger.dropped).toBe(1);
    expect(fixture.ledger.size).toBe(0);
  });

  test('tells the end of what ended while it was being written', () => {
    const { ledger } = new Fixture();
    ledger.observe([a], 0);
    const [telling] = ledger.take(1_000, 10);
    expect(telling).toMatchObject({ phase: 'is' });
    ledger.observe([], 1_001);
    expect(ledger.take(5_000, 10)).toEqual([]);
    if (telling !== undefined) ledger.done(telling, 'written', 5_000);
    ledger.observe([], 5_001);
    expect(ledger.take(6_000, 10)).toMatchObject([{ phase: 'ended' }]);
  });

  describe('of a workload that is made anew', () => {
    /** One that was told when its oldest pod was `madeAt` old, and is looked at again when its pods are of `laterMade`. */
    const retold = (laterMade: number | undefined, uid: string | undefined, outcome: Outcome = 'known') => {
      const { ledger } = new Fixture();
      ledger.observe([a], 0);
      for (const telling of ledger.take(1_000, 10, () => 0)) ledger.done(telling, 'written', 1_000, uid);
      const looks: unknown[] = [];
      for (let now = 2_000; now < 60_000; now += 1_000) {
        ledger.observe([a], now);
        for (const telling of ledger.take(now, 10, () => laterMade)) {
          looks.push([now, telling.phase, telling.toldOn, telling.onlyAnew]);
          ledger.done(telling, outcome, now, 'other');
        }
      }
      return looks;
    };

    test('looks once whether it is another object when all of its pods are younger than what was told', () => {
      expect(retold(5_000, 'uid')).toEqual([[2_000, 'is', 'uid', true]]);
    });

    test('does not look where its pods are those of before, or there are none, or it is not known who was told', () => {
      expect(retold(0, 'uid')).toEqual([]);
      expect(retold(undefined, 'uid')).toEqual([]);
      expect(retold(5_000, undefined)).toEqual([]);
    });

    test('looks again where that failed', () => {
      expect(retold(5_000, 'uid', 'denied')).toEqual([
        [2_000, 'is', 'uid', true],
        [52_000, 'is', 'uid', true],
      ]);
    });

    test('says of whom the end is, and looks for whoever comes after nobody', () => {
      const { ledger } = new Fixture();
      ledger.observe([a], 0);
      for (const telling of ledger.take(1_000, 10)) ledger.done(telling, 'gone', 1_000);
      expect(ledger.take(2_000, 10, () => 5_000)).toMatchObject([{ toldOn: '', onlyAnew: true }]);
      const other = new Fixture().ledger;
      other.observe([a], 0);
      for (const telling of other.take(1_000, 10)) other.done(telling, 'written', 1_000, 'uid');
      other.observe([], 2_000);
      expect(other.take(4_000, 10)).toMatchObject([{ phase: 'ended', toldOn: 'uid' }]);
    });
  });

  test('lets one object have a burst, and then one at a time; others do not wait for it', () => {
    const fixture = new Fixture();
    const many = Array.from({ length: 5 }, (_, index) => aFact({ topic: `m${index}` }));
    fixture.at(0, [...many, b]);
    expect(fixture.at(1_000, [...many, b])).toEqual(['m0 is v1', 'm1 is v1', 'm2 is v1', 'b is v1']);
    expect(fixture.at(9_000, [...many, b])).toEqual([]);
    expect(fixture.at(11_000, [...many, b])).toEqual(['m3 is v1']);
    expect(fixture.at(21_000, [...many, b])).toEqual(['m4 is v1']);
  });

  test('lets all objects together have a burst, and then one a second', () => {
    const fixture = new Fixture();
    const many = Array.from({ length: 8 }, (_, index) =>
      aFact({ topic: `m${index}`, target: { kind: 'Pod', namespace: 'shop', name: `p${index}` } }),
    );
    fixture.at(0, many);
    expect(fixture.at(1_000, many)).toHaveLength(5);
    expect(fixture.at(1_999, many)).toHaveLength(0);
    expect(fixture.at(2_000, many)).toHaveLength(1);
    expect(fixture.at(10_000, many)).toHaveLength(2);
  });

  test('leaves out what is too much, and counts it once', () => {
    const fixture = new Fixture({ topics: 3 });
    const many = Array.from({ length: 10 }, (_, index) => aFact({ topic: `m${index}` }));
    for (const now of [0, 10, 20]) fixture.at(now, many);
    expect(fixture.ledger.size).toBe(3);
    expect(fixture.ledger.dropped).toBe(7);
    fixture.at(2_000, many.slice(5));
    expect(fixture.ledger.size).toBe(3);
  });
});
