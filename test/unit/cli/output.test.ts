import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { FORMATS, formatListing, type Listing } from '../../../src/cli/output.ts';
import { many, readText, toggle } from '../../../src/flag-values.ts';
import { readFlags } from '../../../src/flags.ts';

interface Row {
  readonly key: string;
  readonly note: string;
}

const rows: readonly Row[] = [
  { key: 'pr-42', note: 'two\nlines \u001b[31mred' },
  { key: 'a', note: '' },
];
const listing: Listing<Row> = {
  rows,
  columns: [
    { title: 'KEY', cell: ({ key }) => key },
    { title: 'LENGTH', wide: true, cell: ({ key }) => String(key.length) },
    { title: 'NOTE', cell: ({ note }) => note },
  ],
  name: ({ key }) => `preview/${key}`,
  document: { items: rows, on: 'no' },
  empty: 'There are none.',
};

test('a table has its columns below each other, `-` for nothing, and nothing that a terminal would obey', () => {
  expect(formatListing('table', listing)).toBe('KEY     NOTE\npr-42   two lines  [31mred\na       -\n');
});

test('a wide one has more columns', () => {
  expect(formatListing('wide', listing).split('\n')[0]).toBe('KEY     LENGTH   NOTE');
});

test('without rows, a sentence stands in place of the table', () => {
  expect(formatListing('table', { ...listing, rows: [] })).toBe('There are none.\n');
  expect(formatListing('name', { ...listing, rows: [] })).toBe('');
});

test('names are one a line, each once', () => {
  expect(formatListing('name', { ...listing, rows: [...rows, ...rows] })).toBe('preview/pr-42\npreview/a\n');
});

test('JSON and YAML say the same, the latter to parsers of YAML 1.1 too', () => {
  expect(JSON.parse(formatListing('json', listing))).toEqual(listing.document);
  const yaml = formatListing('yaml', listing);
  expect(parse(yaml)).toEqual(listing.document);
  expect(parse(yaml, { version: '1.1' })).toEqual(listing.document);
});

test('every format ends with the end of a line', () => {
  for (const format of FORMATS) expect(formatListing(format, listing)).toMatch(/[^\n]\n$/);
});

const TABLE = { file: { ...many({ value: 'FILE', summary: '' }, readText), short: 'f' }, strict: toggle('') };
const FILES = { value: 'FILE…', least: 1, most: 2, example: 'detour lint a.yaml' };

test('flags have short names, values of them may be `-`, and arguments stand beside them', () => {
  const { values, positionals, mistakes } = readFlags(TABLE, ['-f', '-', 'a', '--strict', '-fb', '-'], {}, FILES);
  expect({ values, positionals, mistakes }).toEqual({
    values: { file: ['-', 'b'], strict: true },
    positionals: ['a', '-'],
    mistakes: [],
  });
});

test('arguments that are missing, and those that are too many, are mistakes', () => {
  expect(readFlags(TABLE, [], {}, FILES).mistakes).toEqual(['FILE… is missing: for example detour lint a.yaml.']);
  expect(readFlags(TABLE, ['a', 'b', 'c'], {}, FILES).mistakes).toEqual(['"c" is an argument that this command does not take.']);
  expect(readFlags(TABLE, ['a'], {}).mistakes).toEqual(['"a" is an argument that this command does not take.']);
});
