import { describe, expect, test } from 'vitest';
import { mistake, ROWS } from '../../../../src/cli/demo/rows.ts';

describe('the check of a row', () => {
  test('nothing is wrong with the reply that was expected', () => {
    for (const { expected } of ROWS) expect(mistake(expected, structuredClone(expected))).toBeUndefined();
  });

  test('another copy, stamp, status or number of hops is told beside what was expected', () => {
    const [row] = ROWS;
    if (row === undefined) throw new Error('there are rows');
    const [first, second, third] = row.expected.hops;
    if (first === undefined || second === undefined || third === undefined) throw new Error('the first row has three hops');
    const wrong = [
      { status: 200, hops: [first, { ...second, copy: 'pr-42' }, third] },
      { status: 200, hops: [first, { ...second, servedBy: 'pr-42' }, third] },
      { status: 503, hops: [first, second, third] },
      { status: 200, hops: [first, second] },
    ];
    for (const got of wrong) expect(mistake(row.expected, got)).toMatch(/^expected {2}200 → frontend .*\n {5}got {2}/);
  });

  test('a request with a key and one without are told apart by the stamp', () => {
    const [none, ...others] = ROWS;
    const unknown = others.find((row) => row.title.includes('pr-99'));
    if (none === undefined || unknown === undefined) throw new Error('there are such rows');
    expect(mistake(none.expected, unknown.expected)).toBeDefined();
  });
});
