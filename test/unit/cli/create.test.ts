import { expect, test } from 'vitest';
import { runCreate } from '../../../src/cli/create.ts';

const NOW = Date.parse('2026-12-01T00:00:00Z');

test.each(['2026-12-01T00:00:00Z', '2025-12-02T00:00:00Z'])(
  'refuses what would be over at once, %s, before it asks anybody',
  async (expires) => {
    let [out, err] = ['', ''];
    const io = { out: (text: string) => (out += text), err: (text: string) => (err += text), environment: {} };
    expect(await runCreate(['api', '--key', 'pr-42', '--expires', expires], io, NOW)).toBe(2);
    expect([out, err]).toEqual(['', expect.stringContaining('is over: name an instant to come.')]);
  },
);
