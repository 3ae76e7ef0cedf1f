import { describe, expect, test } from 'vitest';
import { type Attendance, Census } from '../../../src/replicas/census.ts';

const TIMES = { patienceMs: 1_000 };

function counts(...ids: readonly string[]): ReadonlyMap<string, number> {
  const all = new Map<string, number>();
  for (const id of ids) all.set(id, (all.get(id) ?? 0) + 1);
  return all;
}

function other(life: string, connected: readonly string[], more: Partial<Attendance> = {}): Attendance {
  return { name: life, life, isSettled: true, connected: counts(...connected), astray: counts(), ...more };
}

/** One that runs for long, with `a` here and `b`, `c` at another one. */
function settled(): Census {
  const census = new Census(-10_000, TIMES);
  census.noteRound({ own: counts('a'), isDraining: false, others: [other('two', ['b', 'c'])], now: 0 });
  return census;
}

function astray(census: Census, now: number): Readonly<Record<string, number>> {
  return Object.fromEntries(census.astray(now));
}

describe('Envoys of a replica that goes', () => {
  test('are astray until each has come somewhere', () => {
    const census = settled();
    census.noteRound({ own: counts('a'), isDraining: false, others: [], now: 100 });
    expect(astray(census, 100)).toEqual({ b: 1, c: 1 });
    census.noteRound({ own: counts('a', 'b'), isDraining: false, others: [], now: 200 });
    expect(astray(census, 200)).toEqual({ c: 1 });
    census.noteRound({ own: counts('a', 'b'), isDraining: false, others: [other('three', ['c'])], now: 300 });
    expect(astray(census, 300)).toEqual({});
  });

  test('are not, where they came before that was noticed', () => {
    const census = settled();
    census.noteRound({ own: counts('a', 'b', 'c'), isDraining: false, others: [], now: 100 });
    expect(astray(census, 100)).toEqual({});
  });

  test('are, where another process has the name of their replica now', () => {
    const census = settled();
    census.noteRound({ own: counts('a'), isDraining: false, others: [other('again', ['c'], { name: 'two' })], now: 100 });
    expect(astray(census, 100)).toEqual({ b: 1 });
  });

  test('are counted where several have one name', () => {
    const census = new Census(-10_000, TIMES);
    census.noteRound({ own: counts('a'), isDraining: false, others: [other('two', ['a', 'a'])], now: 0 });
    census.noteRound({ own: counts('a', 'a'), isDraining: false, others: [], now: 100 });
    expect(astray(census, 100)).toEqual({ a: 1 });
    census.noteRound({ own: counts('a', 'a', 'a'), isDraining: false, others: [], now: 200 });
    expect(astray(census, 200)).toEqual({});
  });

  test('are waited for as long as an Envoy may take, and no longer', () => {
    const census = settled();
    census.noteRound({ own: counts('a'), isDraining: false, others: [], now: 100 });
    expect(astray(census, 1_099)).toEqual({ b: 1, c: 1 });
    expect(astray(census, 1_100)).toEqual({});
  });

  test('and those that it waited for itself are astray', () => {
    const census = new Census(-10_000, TIMES);
    census.noteRound({ own: counts(), isDraining: false, others: [other('two', ['b'], { astray: counts('d') })], now: 0 });
    expect(astray(census, 0)).toEqual({});
    census.noteRound({ own: counts(), isDraining: false, others: [], now: 100 });
    expect(astray(census, 100)).toEqual({ b: 1, d: 1 });
  });
});

test('an Envoy that ends its stream by itself is astray nowhere', () => {
  const census = settled();
  census.noteRound({ own: counts(), isDraining: false, others: [other('two', ['b'])], now: 100 });
  expect(astray(census, 100)).toEqual({});
});

test('an Envoy that is sent away is astray until it has come somewhere', () => {
  const census = settled();
  census.noteRound({ own: counts(), isDraining: true, others: [other('two', ['b', 'c'])], now: 100 });
  expect(astray(census, 100)).toEqual({ a: 1 });
  census.noteRound({ own: counts(), isDraining: true, others: [other('two', ['a', 'b', 'c'])], now: 200 });
  expect(astray(census, 200)).toEqual({});
});

describe('a replica that has just started', () => {
  test('is settled when an Envoy has had its time to come back', () => {
    const census = new Census(0, TIMES);
    census.noteRound({ own: counts('a'), isDraining: false, others: [other('two', [], { isSettled: false })], now: 1 });
    expect([census.isSettled(999), census.isSettled(1_000)]).toEqual([false, true]);
  });

  test('is settled once another one has told it who is astray', () => {
    const census = new Census(0, TIMES);
    census.noteRound({ own: counts(), isDraining: false, others: [other('two', ['b'], { astray: counts('a', 'b') })], now: 1 });
    expect(census.isSettled(1)).toBe(true);
    expect(astray(census, 1)).toEqual({ a: 1 });
    expect(census.others).toEqual(['two']);
  });
});
