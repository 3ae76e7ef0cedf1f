import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const project = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** How many rules each group of the list has. */
const GROUPS = { S: 10, N: 14, W: 13, R: 7, C: 7, M: 11, O: 6, F: 8 } as const;
const RULES = Object.entries(GROUPS).flatMap(([group, count]) =>
  Array.from({ length: count }, (_, index) => `${group}${index + 1}`),
);
const RULE = /\b[SNWRCMOF]\d{1,2}\b/g;

/** Names of tests and scenarios, by how they are written. */
function testNames(folder: string): readonly string[] {
  const files = readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const texts = files.map((name) => readFileSync(join(project, folder, name), 'utf8'));
  return texts.flatMap((text) =>
    [...text.matchAll(/^\s*(?:name: |it(?:\.each\(.*\))?\()'([^']+)'/gm)].map((match) => match[1] ?? ''),
  );
}

const document = readFileSync(join(project, 'docs/xds-conformance.md'), 'utf8');
const [promised = '', exempt = ''] = document.split('## What does not apply');

it('every rule is in the name of a test, or in the list of those that do not apply', () => {
  const tested = new Set(
    [...testNames('test/protocol'), ...testNames('test/unit/xds')].flatMap((name) => name.match(RULE) ?? []),
  );
  const exempted = new Set(exempt.match(/^\| [SNWRCMOF]\d+ \|/gm)?.map((line) => line.split(' ')[1]));
  expect(RULES.filter((rule) => !tested.has(rule) && !exempted.has(rule))).toEqual([]);
  expect(RULES.filter((rule) => tested.has(rule) && exempted.has(rule))).toEqual([]);
});

it('the page tells every rule that a test holds', () => {
  const told = new Set<string>();
  for (const line of promised.split('\n').filter((each) => each.startsWith('| '))) {
    const cell = line.split('|')[1] ?? '';
    for (const [, group = '', from, to] of cell.matchAll(/([SNWRCMOF])(\d+) to [SNWRCMOF](\d+)/g)) {
      for (let index = Number(from); index <= Number(to); index += 1) told.add(`${group}${index}`);
    }
    for (const rule of cell.match(RULE) ?? []) told.add(rule);
  }
  const exempted: readonly string[] = exempt.match(RULE) ?? [];
  expect(RULES.filter((rule) => !told.has(rule) && !exempted.includes(rule))).toEqual([]);
});
