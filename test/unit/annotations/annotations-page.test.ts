import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseRule } from '../../../src/annotations/header-rule.ts';
import { ANNOTATIONS, type AnnotationPlace, annotationNames, PREFIX } from '../../../src/annotations/keys.ts';
import * as limits from '../../../src/annotations/limits.ts';
import { parseBaseline } from '../../../src/annotations/parse-baseline.ts';
import { parsePreview } from '../../../src/annotations/parse-preview.ts';
import { checkRegex, RE2_MAX_PROGRAM_SIZE } from '../../../src/model/re2.ts';
import { previewPod, service } from './objects.ts';

const PAGE = new URL('../../../docs/annotations.md', import.meta.url);
const BETWEEN_MARKS = /(<!-- annotations:begin [^>]*-->\n)([\s\S]*?)(<!-- annotations:end -->)/;

function table(title: string, place: AnnotationPlace): string {
  const rows = annotationNames([place]).map((name) => {
    const entry = ANNOTATIONS[name];
    return `| \`${PREFIX}${name}\` | ${entry.value} | ${entry.default} | ${entry.summary} |`;
  });
  return [`## ${title}`, '', '| annotation | value | default | |', '| --- | --- | --- | --- |', ...rows, '', ''].join('\n');
}

interface Mistake {
  readonly written: string;
  readonly code: string;
}

/** Rows of the tables under "Mistakes": the first of them about previews, the second about baseline Services. */
async function mistakes(): Promise<readonly [readonly Mistake[], readonly Mistake[]]> {
  const [, section = ''] = (await readFile(PAGE, 'utf8')).split('## Mistakes');
  const [previews = '', baselines = ''] = section.split('| written on a baseline Service');
  const rows = (text: string): Mistake[] =>
    [...text.matchAll(/^\| (.+?) \| `(\w+)` \|/gm)].map(([, written = '', code = '']) => ({ written, code }));
  return [rows(previews), rows(baselines)];
}

/** The annotation in `detour.dev/name: value`. */
function annotationIn(written: string): Readonly<Record<string, string>> {
  const match = /`detour\.dev\/([\w-]+): ([^`]*)`/.exec(written);
  return match === null ? {} : { [match[1] ?? '']: match[2] ?? '' };
}

describe('docs/annotations.md', () => {
  it("has the table of the code's own contract", async () => {
    const page = await readFile(PAGE, 'utf8');
    const tables = `\n${table('On a preview', 'preview')}${table('On a baseline Service', 'baseline')}${table('On a pod that gets a sidecar', 'sidecar')}`;
    if (process.env['UPDATE_DOCS'] === '1') {
      await writeFile(
        PAGE,
        page.replace(BETWEEN_MARKS, (_, begin: string, __, end: string) => begin + tables + end),
      );
    }
    expect(BETWEEN_MARKS.exec(await readFile(PAGE, 'utf8'))?.[2]).toBe(tables);
  });

  it('shows rules that can be read, each line and all together', async () => {
    const [, block = ''] = /```rule\n([\s\S]*?)```/.exec(await readFile(PAGE, 'utf8')) ?? [];
    const lines = block.trim().split('\n');
    expect(lines.length).toBeGreaterThan(5);
    for (const rule of [...lines, block]) expect(parseRule(rule), rule).toHaveProperty('rule');
  });

  it('shows predicates and targets that can be read', async () => {
    const page = await readFile(PAGE, 'utf8');
    const predicates = [...page.matchAll(/^\| `(!?x-user[^`]*)` \|/gm)].map(([, predicate = '']) => predicate);
    expect(predicates).toHaveLength(7);
    for (const predicate of predicates) expect(parseRule(predicate), predicate).toHaveProperty('rule');
    const targets = [...page.matchAll(/^\| `(api[^`]*)` \|/gm)].map(([, target = '']) => target);
    expect(targets).toHaveLength(7);
    for (const intercept of targets) expect(parsePreview(previewPod({ intercept })).problems, intercept).toEqual([]);
  });

  it('names the problem that each mistake gives', async () => {
    const [previews, baselines] = await mistakes();
    expect(previews.length).toBeGreaterThan(12);
    for (const { written, code } of previews) {
      const label = /preview: (\w+)`/.exec(written)?.[1] ?? 'pr-42';
      const annotation = written.startsWith('label') ? {} : annotationIn(written);
      const given = written.startsWith('no ') ? {} : { intercept: 'api', ...annotation };
      expect(
        parsePreview(previewPod(given, label)).problems.map((problem) => problem.code),
        written,
      ).toEqual([code]);
    }
    expect(baselines.length).toBeGreaterThan(4);
    for (const { written, code } of baselines) {
      expect(
        parseBaseline(service(annotationIn(written))).problems.map((problem) => problem.code),
        written,
      ).toEqual([code]);
    }
  });

  it('says the limits as they are, and what passes them', async () => {
    const page = (await readFile(PAGE, 'utf8')).replaceAll('\n', ' ');
    const said = (value: number): string => value.toLocaleString('en-US');
    expect(page).toContain(`more than ${said(limits.MAX_ANNOTATIONS)} \`detour.dev/\` annotations`);
    expect(page).toContain(`more than ${said(limits.MAX_VALUE_LENGTH)} characters, a list`);
    expect(page).toContain(`more than ${said(limits.MAX_LIST_ENTRIES)} entries`);
    expect(page).toContain(`more than ${said(limits.MAX_PREDICATES)} predicates`);
    expect(page).toContain(`a name of more than ${said(limits.MAX_NAME_LENGTH)}`);
    expect(page).toContain(`a value of more than ${said(limits.MAX_PREDICATE_VALUE_LENGTH)} characters`);
    expect(page).toContain(`more than ${said(RE2_MAX_PROGRAM_SIZE)} instructions`);
    const [, passes = '', fails = ''] = /`([^`]+)` passes, `([^`]+)` does not/.exec(page) ?? [];
    expect(checkRegex(passes)).toEqual({ ok: true });
    expect(checkRegex(fails)).toMatchObject({ code: 'RegexTooCostly' });
  });
});
