import { expect, it } from 'vitest';
import { Refusals } from '../../../src/xds/refusals.ts';

it('what was said of refused resources is remembered of a thousand, those that were refused last', () => {
  const refusals = new Refusals();
  refusals.note('route', 'first', 'wrong');
  for (let index = 0; index < 1_500; index += 1) {
    refusals.note('cluster', `c${index}`, `wrong ${index}`);
    if (index === 900) refusals.note('route', 'first', 'still wrong');
  }
  expect(refusals.size).toBe(1_000);
  expect(refusals.find('route', 'first')).toBe('still wrong');
  const clusters = ['first', 'c500', 'c501', 'c1499'].map((name) => refusals.find('cluster', name));
  expect(clusters).toEqual([undefined, undefined, 'wrong 501', 'wrong 1499']);
});

it('what was said of resources that are gone is forgotten when it is told so', () => {
  const refusals = new Refusals();
  refusals.note('route', 'a', 'wrong');
  refusals.note('cluster', 'a', 'wrong too');
  refusals.forget((type) => type === 'route');
  expect([refusals.find('route', 'a'), refusals.find('cluster', 'a')]).toEqual([undefined, 'wrong too']);
});
