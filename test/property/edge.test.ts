/** What is taken away at the edge by a real Envoy is what the model of it says, whatever is sent. */
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withoutCarriers } from '../../src/explain/edge.ts';
import { headerLines } from '../../src/explain/headers.ts';
import { type HeaderList, type Lab, labHost, startLab } from '../envoy/lua-lab.ts';

const CARRIERS = { header: 'X-Detour', member: 'detour', headerAliases: ['SD-Key'], memberAliases: ['sd.key'] };

/** Pieces that carriers are made of, and what could hide them. */
const PIECE = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('detour', 'DETOUR', '%64etour', '%2564etour', 'deto%75r', 'sd.key', 'SD%2Ekey', 'a') },
  {
    weight: 4,
    arbitrary: fc.constantFrom('=', ',', ';', ' ', '\t', '"', '+', '%', '%20', '%2C', '%3D', '%3b', '%00', '%25', "'"),
  },
  { weight: 1, arbitrary: fc.constantFrom('pr-1', 'x', '\u00a0', '\u00e9', '_', '-', '.', '%C2%A0', '%zz', '%252525252564') },
);
const LIST = fc.array(PIECE, { maxLength: 12 }).map((pieces) => pieces.join(''));
const COOKIES = fc
  .array(fc.constantFrom('__Host-detour', '__host-DETOUR', 'a', '=', '; ', ';', ' ', '"', 'x', '__Host-detours'), {
    maxLength: 10,
  })
  .map((pieces) => pieces.join(''));
const LINE: fc.Arbitrary<readonly [string, string]> = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom('baggage', 'Baggage', 'tracestate'), LIST) },
  { weight: 2, arbitrary: fc.tuple(fc.constant('cookie'), COOKIES) },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constantFrom(
        'x-detour',
        'X_Detour',
        'x-detour-decided',
        'x_detour-baggage-a',
        'sd_key',
        'SD-KEY',
        'x-detours',
        'x-other_a',
      ),
      fc.constantFrom('pr-1', 'x', ''),
    ),
  },
);

/** Lines, and what is left of them, written down by hand; undefined: nothing. */
const TAKEN: readonly (readonly [name: string, value: string, left: string | undefined])[] = [
  ['baggage', 'detour=x', undefined],
  ['Baggage', 'a=1,detour=x,b=2', 'a=1,b=2'],
  ['baggage', 'a=1 , %64eTour=x;p=1', 'a=1'],
  ['baggage', '%2564etour=x', undefined],
  ['baggage', '%252525252564=x,b', 'b'],
  ['tracestate', 'sd.key=x', undefined],
  ['tracestate', 'a=1,SD%2Ekey=x', 'a=1'],
  ['baggage', '"detour"=x, a', 'a'],
  ['cookie', '__host-DETOUR=x', undefined],
  ['cookie', 'a=b; __Host-detour=x; c=d', 'a=b; c=d'],
  ['x-detour', 'pr-1', undefined],
  ['X_Detour', 'x', undefined],
  ['SD-KEY', 'x', undefined],
  ['sd_key', 'x', undefined],
  ['x_detour-baggage-a', 'x', undefined],
];
const KEPT: readonly (readonly [name: string, value: string])[] = [
  ['baggage', 'detours=1,xdetour=2, a = detour'],
  ['tracestate', 'sdkey=1'],
  ['cookie', '__Host-detours=x; a=__Host-detour'],
  ['x-detours', 'pr-1'],
  ['x-other_a', 'x'],
];

describe('a gateway that takes carriers away', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({
      settings: {
        role: 'gateway',
        carriers: 'strip',
        header: 'X-Detour',
        header_aliases: ['SD-Key'],
        member_aliases: ['sd.key'],
      },
      keys: { live: ['pr-1'] },
      hosts: [{ shardHost: 'shop', virtualHost: labHost({ name: 'shop', domains: ['shop'] }) }],
    });
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  const names = new Set([
    'baggage',
    'tracestate',
    'cookie',
    'x-detours',
    'x-other_a',
    'x-detour',
    'x_detour',
    'sd-key',
    'sd_key',
  ]);
  const mine = ([name]: readonly [string, string]): boolean => names.has(name) || /^x[-_]detour[-_]baggage/.test(name);
  const kept = KEPT.map(([name, value]) => [name, value, value] as const);

  it.each([...TAKEN, ...kept])('of %s: %s it leaves %s', async (name, value, left) => {
    const reply = await lab.ask({ host: 'shop', headers: [[name, value]] });
    const rest = left === undefined ? [] : [[name.toLowerCase(), left] as const];
    expect(reply.seen.filter(mine)).toEqual(rest);
    expect(withoutCarriers([[name.toLowerCase(), value]], CARRIERS, true)).toEqual(rest);
  });

  it('leaves what its model leaves, byte for byte', { timeout: 120_000 }, async () => {
    // Something to take is in each of them, at any place among the others.
    const taken = fc.constantFrom(...TAKEN).map(([name, value]) => [name, value] as const);
    const requests = fc
      .tuple(fc.array(LINE, { maxLength: 3 }), taken, fc.array(LINE, { maxLength: 3 }))
      .map(([before, line, after]): HeaderList => [...before, line, ...after]);
    await fc.assert(
      fc.asyncProperty(requests, async (lines) => {
        const reply = await lab.ask({ host: 'shop', headers: lines });
        expect(reply.status).toBe(200);
        // Node hands over bytes, one character each, and so does it send them.
        const sent = headerLines(lines.map(([name, value]) => [name, value])).map(
          ([name, value]) => [name, Buffer.from(value, 'latin1').toString('utf8')] as const,
        );
        const left = withoutCarriers(sent, CARRIERS, true);
        expect(left.length < sent.length || left.some(([, value], index) => value !== sent[index]?.[1])).toBe(true);
        expect(sorted(reply.seen.filter(mine))).toEqual(sorted(left));
      }),
      { numRuns: 500 },
    );
  });
});

/** Lines of one name in their order: Envoy may write those that it changed behind the others. */
function sorted(lines: HeaderList): HeaderList {
  return lines.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
