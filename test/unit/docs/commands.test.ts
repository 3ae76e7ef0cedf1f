/** The page of commands: what it says that there is, is there. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { COPY_FLAGS } from '../../../src/cli/copy-flags.ts';
import { run } from '../../../src/cli/main.ts';

const page = readFileSync(new URL('../../../docs/commands.md', import.meta.url), 'utf8');
const sections = page
  .split(/^## /m)
  .slice(1)
  .map((section) => [/^detour (\w+)/.exec(section)?.[1] ?? '', section] as const)
  .filter(([name]) => name !== '');

async function help(command: string): Promise<string> {
  let out = '';
  expect(await run([command, '--help'], { out: (text) => (out += text), err: () => undefined, environment: {} })).toBe(0);
  return out;
}

describe.each(sections)('detour %s', (name, section) => {
  test('has the flags that the page names', async () => {
    const flags = [...section.matchAll(/(?<![\w-])--[a-z][a-z-]+/g)].map(([flag]) => flag);
    const text = await help(name);
    expect([...new Set(flags)].filter((flag) => !text.includes(`${flag} `))).toEqual([]);
  });
});

test('the page has the commands that need no cluster', () => {
  expect(sections.map(([name]) => name)).toEqual(expect.arrayContaining(['preview', 'lint', 'completion']));
});

test('the page names every flag that says what a preview is like', () => {
  expect(Object.keys(COPY_FLAGS).filter((flag) => !page.includes(`--${flag}`))).toEqual([]);
});
