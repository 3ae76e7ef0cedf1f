/**
 * What the control plane holds after minutes of everything that can happen to it is what it held before. `npm test` runs
 * this beside all other tests; `tools/run tools/test.ts soak --soak-minutes 2` is for whoever looks for a leak.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { growth } from '../support/soak/growth.ts';
import { type Sample, Soak } from '../support/soak/soak.ts';

const MINUTES = Number(process.env['DETOUR_SOAK_MINUTES'] ?? 10);
/** To start, and to end a round that has begun. */
const MORE_MS = 180_000;

/**
 * In bytes: code that is compiled meanwhile, and what is let go of by time. Between the two quarters that are compared some
 * 2,000 streams and 400 previews come and go: 500 bytes that are kept of each stream, or 2.5 KB of each preview, are more.
 */
const NOISE = 1_000_000;
/** Connections to the API server are made again now and then, and two may overlap. */
const FEW = 3;

let soak: Soak;
beforeAll(
  async () => {
    soak = await Soak.start();
    await soak.run(MINUTES, (sample) => console.log(lineOf(sample)));
  },
  MINUTES * 60_000 + MORE_MS,
);
afterAll(() => soak?.[Symbol.asyncDispose]());

describe(`after ${MINUTES} minutes in which streams, previews and endpoints come and go`, () => {
  test('all of it has happened', () => {
    for (const [what, count] of Object.entries(soak.traffic)) expect(count, what).toBeGreaterThan(0);
  });

  test('the heap ends where it began', () => {
    const { before, after, by } = growth(soak.samples, ({ heap }) => heap);
    expect(by, `${before} bytes, later ${after}`).toBeLessThan(NOISE);
  });

  test('as many files, sockets and timers are open', () => {
    expect(growth(soak.samples, ({ files }) => files).by).toBeLessThanOrEqual(FEW);
    for (const kind of new Set(soak.samples.flatMap(({ handles }) => Object.keys(handles))))
      expect(growth(soak.samples, ({ handles }) => handles[kind] ?? 0).by, kind).toBeLessThanOrEqual(FEW);
  });

  test('nothing is left of a stream that has ended, nor of a view that nobody reads', () => {
    for (const kind of ['streams', 'sessions', 'views'] as const)
      expect(growth(soak.samples, ({ objects }) => objects[kind]).by, kind).toBe(0);
  });
});

function lineOf({ minutes, heap, resident, files, objects, traffic, cpuMs }: Sample): string {
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(2)} MB`;
  const share = ((cpuMs / (minutes * 60_000)) * 100).toFixed(0);
  return [
    `${minutes.toFixed(1)} min: heap ${mb(heap)}, resident ${mb(resident)}, ${files} files, ${objects.streams} streams, ${objects.views} views`,
    `after ${traffic.streams} streams, ${traffic.reconnects} reconnects, ${traffic.previews} previews, ${traffic.endpoints} pods,`,
    `${traffic.refused} refusals, ${traffic.deaf + traffic.cut} silent clients; ${share} % of a core`,
  ].join(' ');
}
