import { afterEach, expect, it, vi } from 'vitest';
import { collectGarbage } from '../../src/collect-garbage.ts';

afterEach(() => void vi.unstubAllGlobals());

it('collects the garbage of a small heap, and holds nobody up for that of a large one', () => {
  const gc = vi.fn();
  vi.stubGlobal('gc', gc);
  collectGarbage(65_000_000);
  expect(gc).not.toHaveBeenCalled();
  collectGarbage(40_000_000);
  expect(gc).toHaveBeenCalledExactlyOnceWith({ type: 'major', execution: 'sync', flavor: 'last-resort' });
});

it('does nothing where Node has no collector at hand', () => {
  vi.stubGlobal('gc', undefined);
  expect(() => collectGarbage(1)).not.toThrow();
});
