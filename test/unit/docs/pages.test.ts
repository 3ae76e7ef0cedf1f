/** What the pages say exists, does. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { COLUMNS, rowLine } from '../../../src/cli/demo/row-line.ts';
import { ROWS } from '../../../src/cli/demo/rows.ts';
import { headLine } from '../../../src/cli/demo/table.ts';
import { runEnvoy } from '../../../src/cli/envoy.ts';
import { readConfig } from '../../../src/config.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: root });

describe.each(pages)('%s', (page) => {
  const text = readFileSync(join(root, page), 'utf8');

  test('the files that it names exist', () => {
    const named = [...text.matchAll(/`((?:src|test|tools|bench|envoy|proto|bin|docs|\.ci)\/[\w@./*{},-]*)`/g)].map(
      (match) => match[1] ?? '',
    );
    const missing = named.filter((path) => !existsSync(join(root, path)) && globSync(path, { cwd: root }).length === 0);
    expect(missing).toEqual([]);
  });

  test('its links lead somewhere', () => {
    const links = [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(#[^)]*)?\)/g)]
      .map((match) => match[1] ?? '')
      .filter((link) => link !== '');
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([]);
  });

  test('the npm scripts that it names exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const named = [...text.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

test("the README's table is the one that the demo prints and checks", () => {
  const table = [headLine(COLUMNS), ...ROWS.map((row) => rowLine(row, row.expected, true))].join('\n');
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain(`\n${table}\n`);
});

test("the commands of the README's blocks are understood", async () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8').replaceAll('\\\n', ' ');
  const commands = [...readme.matchAll(/^bin\/detour (\w+) ([^>\n]*)/gm)].map(([, name = '', rest = '']) => ({
    name,
    args: rest.trim().split(/\s+/),
  }));
  expect(commands.map(({ name }) => name)).toEqual(['serve', 'envoy', 'envoy']);
  for (const { name, args } of commands) {
    const said: string[] = [];
    const io = { out: () => undefined, err: (text: string) => said.push(text), environment: {} };
    if (name === 'envoy') await runEnvoy(args, io);
    else said.push(...readConfig(args, {}).mistakes);
    expect(said).toEqual([]);
  }
});

test('every page is reached from the README', () => {
  const reached = new Set(['README.md']);
  for (const page of reached) {
    for (const [, link = ''] of readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:)([^)#\s]+)/g)) {
      const target = relative(root, join(root, dirname(page), link));
      if (pages.includes(target)) reached.add(target);
      else for (const each of pages) if (dirname(each) === target) reached.add(each);
    }
  }
  expect(pages.filter((page) => !reached.has(page) && page !== 'CHANGELOG.md')).toEqual([]);
});
