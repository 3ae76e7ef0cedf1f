import { expect, test } from 'vitest';
import { type CensusView, readCensus, unaccounted } from '../../../../src/cli/control-plane/census.ts';

function view(over: Partial<CensusView> = {}): CensusView {
  return { name: 'detour-a', others: ['detour-b'], isSettled: true, astray: [], ...over };
}

const B = view({ name: 'detour-b', others: ['detour-a'] });

test('all are there: nothing is missing', () => {
  expect(unaccounted([view(), B])).toEqual([]);
});

test.each([
  ['a replica that was not asked', [view()], 'replica detour-b serves Envoys too, and was not asked'],
  [
    'an Envoy that is nowhere',
    [view({ astray: ['sidecar~shop/api-1'] }), B],
    'a replica has gone, and sidecar~shop/api-1 is not back yet',
  ],
  [
    'many of them, each told once',
    [view({ astray: ['e', 'd', 'c'] }), view({ name: 'detour-b', others: [], astray: ['a', 'b', 'c'] })],
    'a replica has gone, and a, b, c, and 2 more are not back yet',
  ],
  [
    'a replica that cannot know',
    [view({ isSettled: false }), B],
    'the control plane has just started: its Envoys have ten seconds to come back',
  ],
])('%s', (_what, censuses, lack) => {
  expect(unaccounted(censuses)).toEqual([lack]);
});

test('an answer is read with care; older replicas say nothing', () => {
  expect(readCensus({ census: { name: 'x', others: ['y'], isSettled: true, astray: { e: 1 } } })).toEqual(
    view({ name: 'x', others: ['y'], astray: ['e'] }),
  );
  expect(readCensus({ intercepts: [] })).toBeUndefined();
  expect(readCensus({ census: 7 })).toEqual({ name: '', others: [], isSettled: false, astray: [] });
});
