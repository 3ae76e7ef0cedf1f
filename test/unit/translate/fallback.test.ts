import { describe, expect, test } from 'vitest';
import type { Address } from '../../../src/model/intercept.ts';
import { Fallback } from '../../../src/translate/fallback.ts';

const pods = (from: number, to: number): readonly Address[] =>
  Array.from({ length: to - from }, (_, index) => ({ ip: `10.0.0.${from + index}`, port: 8080 }));
const text = (addresses: readonly Address[]): readonly string[] => addresses.map(({ ip }) => ip);

describe('the fallback of a preview', () => {
  test('is at most 8 endpoints of the baseline, in its order, and the same each time', () => {
    const chosen = text(new Fallback(pods(0, 50)).chooseFor('a', []));
    expect(chosen).toHaveLength(8);
    expect(chosen).toEqual(text(pods(0, 50)).filter((ip) => chosen.includes(ip)));
    expect(text(new Fallback(pods(0, 50)).chooseFor('a', []))).toEqual(chosen);
    expect(new Fallback(pods(0, 8)).chooseFor('a', [])).toEqual(pods(0, 8));
    expect(new Fallback([]).chooseFor('a', [])).toEqual([]);
  });

  test('is never one of its own pods', () => {
    const own = new Fallback(pods(0, 50)).chooseFor('a', []).slice(0, 3);
    const chosen = new Fallback(pods(0, 50)).chooseFor('a', own);
    expect(chosen).toHaveLength(8);
    expect(text(chosen).filter((ip) => text(own).includes(ip))).toEqual([]);
    expect(new Fallback(pods(0, 3)).chooseFor('a', pods(1, 3))).toEqual(pods(0, 1));
  });

  test('spreads previews over the baseline', () => {
    const fallback = new Fallback(pods(0, 40));
    const uses = new Map<string, number>();
    for (let preview = 0; preview < 500; preview += 1) {
      for (const ip of text(fallback.chooseFor(`pr-${preview}`, []))) uses.set(ip, (uses.get(ip) ?? 0) + 1);
    }
    // 100 each, were it perfect.
    expect(uses.size).toBe(40);
    expect(Math.min(...uses.values())).toBeGreaterThan(50);
    expect(Math.max(...uses.values())).toBeLessThan(160);
  });

  test('a pod that goes changes only those that held it, by one endpoint', () => {
    const [before, after] = [new Fallback(pods(0, 40)), new Fallback(pods(1, 40))];
    let changed = 0;
    for (let preview = 0; preview < 200; preview += 1) {
      const old = text(before.chooseFor(`pr-${preview}`, []));
      const lost = old.filter((ip) => !text(after.chooseFor(`pr-${preview}`, [])).includes(ip));
      expect(lost).toEqual(old.includes('10.0.0.0') ? ['10.0.0.0'] : []);
      changed += lost.length;
    }
    // A fifth, were it perfect.
    expect(changed).toBeLessThan(80);
  });
});
