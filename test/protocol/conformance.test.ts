/** Every rule of the list has a test that names it, in every way in which it means something, or a reason why it has none. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Streams } from '../support/xds/harness.ts';
import { SCENARIOS } from './scenarios/all.ts';
import type { Scenario } from './scenarios/scenario.ts';

const project = join(dirname(fileURLToPath(import.meta.url)), '../..');
/** How many rules each group of the list has. */
const GROUPS = { S: 10, N: 14, W: 13, R: 7, C: 7, M: 11, O: 6, V: 11, F: 11 } as const;
const RULES = Object.entries(GROUPS).flatMap(([group, count]) =>
  Array.from({ length: count }, (_, index) => `${group}${index + 1}`),
);
const RULE = /\b[SNWRCMOVF]\d{1,2}\b/g;

/** Names of tests, by how they are written; those that are skipped are written otherwise. */
function testNames(folder: string): readonly string[] {
  const files = readdirSync(join(project, folder), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const texts = files.map((name) => readFileSync(join(project, folder, name), 'utf8'));
  return texts.flatMap((text) =>
    [...text.matchAll(/^\s*(?:it|test)(?:\.each\(.*\))?\(\s*'([^']+)'/gm)].map((match) => match[1] ?? ''),
  );
}

const rulesOf = (text: string): readonly string[] => text.match(RULE) ?? [];
const named = new Set(['test/protocol', 'test/unit/xds', 'test/unit/grpc', 'test/envoy'].flatMap(testNames).flatMap(rulesOf));

const document = readFileSync(join(project, 'docs/xds-conformance.md'), 'utf8');

/** The rows of a table, by the title of its section: the first cell, and the second. */
function rows(title: string): readonly (readonly [string, string])[] {
  const section = document.split(`\n## ${title}\n`)[1]?.split('\n## ')[0] ?? '';
  const lines = section.split('\n').filter((line) => /^\| [SNWRCMOVF]\d/.test(line));
  return lines.map((line) => [line.split('|')[1]?.trim() ?? '', line.split('|')[2]?.trim() ?? '']);
}

/** `W1 to W5` too. */
function expand(cell: string): readonly string[] {
  const [, group = '', from, to] = /([SNWRCMOVF])(\d+) to [SNWRCMOVF](\d+)/.exec(cell) ?? [];
  if (from === undefined) return rulesOf(cell);
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => `${group}${Number(from) + index}`);
}

const promised = new Set(rows('The rules').flatMap(([cell]) => expand(cell)));
const exempt = rows('What does not apply').flatMap(([cell]) => expand(cell));
/** Rules that mean something in one way only, with that way. */
const oneWay = new Map(rows('Rules of one way').flatMap(([cell, way]) => expand(cell).map((rule) => [rule, way])));

it('every rule is in the name of a test, or in the list of those that do not apply', () => {
  const inScenarios = new Set(SCENARIOS.flatMap(({ name }) => rulesOf(name)));
  const isTested = (rule: string): boolean => named.has(rule) || inScenarios.has(rule);
  expect(RULES.filter((rule) => !isTested(rule) && !exempt.includes(rule))).toEqual([]);
  expect(RULES.filter((rule) => isTested(rule) && exempt.includes(rule))).toEqual([]);
});

it('the page tells every rule that a test holds, and no other', () => {
  expect(RULES.filter((rule) => !promised.has(rule) && !exempt.includes(rule))).toEqual([]);
  expect([...promised].filter((rule) => !RULES.includes(rule) || exempt.includes(rule))).toEqual([]);
});

it('every rule of a scenario is tried by both protocols, on one stream and on streams of their own, or the page says why not', () => {
  const ways = (scenario: Scenario): readonly string[] =>
    (scenario.protocols ?? (['sotw', 'delta'] as const)).flatMap((protocol) =>
      (scenario.aggregated === true ? (['ads'] as const) : (['ads', 'type'] as readonly Streams[])).map(
        (streams) => `${protocol} ${streams}`,
      ),
    );
  const tried = new Map<string, Set<string>>();
  for (const scenario of SCENARIOS) {
    for (const rule of rulesOf(scenario.name)) {
      const known = tried.get(rule) ?? new Set();
      for (const way of ways(scenario)) known.add(way);
      tried.set(rule, known);
    }
  }
  const lacking = [...tried].flatMap(([rule, has]) => {
    const means = oneWay.get(rule) ?? '';
    const protocols = means.includes('delta') ? ['delta'] : means.includes('State-of-the-World') ? ['sotw'] : ['sotw', 'delta'];
    const streams = means.includes('aggregated') ? ['ads'] : ['ads', 'type'];
    const wanted = protocols.flatMap((protocol) => streams.map((each) => `${protocol} ${each}`));
    return wanted.filter((way) => !has.has(way)).map((way) => `${rule} ${way}`);
  });
  expect(lacking).toEqual([]);
  // A rule that is tried in more ways than it is said to have.
  const surplus = [...oneWay].filter(([rule, way]) => {
    const has = [...(tried.get(rule) ?? [])];
    if (way.includes('delta') && has.some((each) => each.startsWith('sotw'))) return true;
    if (way.includes('State-of-the-World') && has.some((each) => each.startsWith('delta'))) return true;
    return way.includes('aggregated') && has.some((each) => each.endsWith('type'));
  });
  expect(surplus).toEqual([]);
});
