import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deadlines } from '../../../src/intercepts/deadlines.ts';

describe('deadlines', () => {
  it('come up soonest first, those that are due at once', () => {
    const deadlines = new Deadlines();
    for (const [name, at] of [
      ['c', 30],
      ['a', 10],
      ['b', 20],
    ] as const)
      deadlines.set(name, at);
    expect(deadlines.next()).toBe(10);
    expect(deadlines.take(9)).toEqual([]);
    expect(deadlines.take(20)).toEqual(['a', 'b']);
    expect(deadlines.next()).toBe(30);
  });

  it('are replaced, and taken away', () => {
    const deadlines = new Deadlines();
    deadlines.set('a', 10);
    deadlines.set('a', 50);
    deadlines.set('b', 20);
    deadlines.set('b', undefined);
    expect(deadlines.next()).toBe(50);
    expect(deadlines.take(100)).toEqual(['a']);
    expect(deadlines.next()).toBeUndefined();
  });

  it('are what a plain map would say, however they are set', () => {
    const operation = fc.tuple(fc.nat(5).map(String), fc.option(fc.nat(20), { nil: undefined }));
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 300 }), fc.nat(20), (operations, now) => {
        const deadlines = new Deadlines();
        const plain = new Map<string, number>();
        for (const [name, at] of operations) {
          deadlines.set(name, at);
          if (at === undefined) plain.delete(name);
          else plain.set(name, at);
          expect(deadlines.next()).toBe(plain.size > 0 ? Math.min(...plain.values()) : undefined);
        }
        const due = [...plain].filter(([, at]) => at <= now).map(([name]) => name);
        expect(deadlines.take(now).toSorted()).toEqual(due.sort());
      }),
    );
  });
});
