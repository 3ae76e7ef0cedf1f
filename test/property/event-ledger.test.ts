/** Whatever happens, in whatever order: what was told in the end is what is so, nothing twice, and nothing piles up. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventLedger, LEDGER_LIMITS, type Outcome, type Told } from '../../src/status/event-ledger.ts';
import type { Fact } from '../../src/status/fact.ts';
import { aFact } from '../unit/status/facts.ts';

const LIMITS = {
  ...LEDGER_LIMITS,
  settleMs: 1_000,
  repeatMs: 1e12,
  topics: 6,
  perObject: { burst: 4, everyMs: 500 },
  inTotal: { burst: 6, everyMs: 100 },
};
const TOPICS = ['a', 'b', 'c', 'd'];

const world = fc.dictionary(fc.constantFrom(...TOPICS), fc.constantFrom('v1', 'v2'));
const step = fc.record({
  world,
  ms: fc.constantFrom(10, 300, 1_000, 5_000),
  outcome: fc.constantFrom<Outcome>('written', 'written', 'failed', 'denied'),
  /** Another leader goes on. */
  isNewLeader: fc.boolean(),
});

function factsOf(texts: Readonly<Record<string, string>>): readonly Fact[] {
  return Object.entries(texts).map(([topic, version]) => aFact({ topic, version }));
}

/** The cluster's Events, and a leader that writes them. */
class Lab {
  readonly events = new Map<string, Told>();
  readonly written: string[] = [];
  ledger = new EventLedger(0, LIMITS);
  now = 0;

  elapse(ms: number, facts: readonly Fact[], outcome: Outcome): void {
    this.now += ms;
    this.ledger.observe(facts, this.now);
    for (const telling of this.ledger.take(this.now, 3)) {
      const { fact, phase, version } = telling;
      this.ledger.done(telling, outcome, this.now);
      if (outcome !== 'written') continue;
      const line = `${fact.topic} ${phase} ${version}`;
      expect(line).not.toBe(this.last(fact.topic));
      this.written.push(line);
      this.events.set(`${fact.topic} ${phase}`, { fact, phase, version, at: this.now, uid: undefined });
    }
    expect(this.ledger.size).toBeLessThanOrEqual(LIMITS.topics);
  }

  last(topic: string): string | undefined {
    return this.written.findLast((line) => line.startsWith(`${topic} `));
  }

  follow(): void {
    this.ledger = new EventLedger(this.now, LIMITS);
    this.ledger.seed(this.events.values());
  }
}

describe('the ledger of Events', () => {
  it('tells in the end what is so, never the same twice in a row, over any changes, failures and leaders', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), world, (steps, last) => {
        const lab = new Lab();
        for (const { world: texts, ms, outcome, isNewLeader } of steps) {
          if (isNewLeader) lab.follow();
          lab.elapse(ms, factsOf(texts), outcome);
        }
        const facts = factsOf(last);
        for (let round = 0; round < 20; round += 1) lab.elapse(70_000, facts, 'written');
        const told = TOPICS.flatMap((topic) => {
          const line = lab.last(topic);
          return line === undefined || line.includes(' ended ') ? [] : [line];
        });
        expect(told).toEqual(facts.map(({ topic, version }) => `${topic} is ${version}`).sort());
        // And then it is silent.
        const { length } = lab.written;
        lab.elapse(100_000, facts, 'written');
        expect(lab.written).toHaveLength(length);
      }),
      { numRuns: 300 },
    );
  });
});
