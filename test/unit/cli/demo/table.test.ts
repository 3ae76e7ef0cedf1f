import { stripVTControlCharacters } from 'node:util';
import { expect, test } from 'vitest';
import { headLine, line } from '../../../../src/cli/demo/table.ts';

const COLUMNS = [
  { title: 'a', width: 3 },
  { title: 'b', width: 4 },
  { title: '', width: 0 },
];

test('columns line up, styles or not, and nothing trails', () => {
  expect(stripVTControlCharacters(headLine(COLUMNS))).toBe('a    b');
  expect(stripVTControlCharacters(line(COLUMNS, [{ text: 'x', style: 'green' }, { text: 'yy' }, { text: 'z' }]))).toBe(
    'x    yy    z',
  );
});

test('a long text pushes the rest on and is not cut', () => {
  expect(line(COLUMNS, [{ text: 'longer' }, { text: 'y' }])).toBe('longer  y');
});
