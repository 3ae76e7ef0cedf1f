import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Finding } from '../../../src/cli/lint/lint-manifests.ts';
import { run } from '../../../src/cli/main.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function lint(input: string, ...args: string[]): Promise<Said> {
  let [out, err] = ['', ''];
  const io = {
    out: (text: string) => (out += text),
    err: (text: string) => (err += text),
    environment: {},
    input: async () => input,
  };
  const code = await run(['lint', ...args], io);
  return { code, out, err };
}

/** `code line` of every finding. */
async function findings(input: string): Promise<readonly string[]> {
  const { out } = await lint(input, '-o', 'json', '-');
  const { problems }: { readonly problems: readonly Finding[] } = JSON.parse(out);
  return problems.map(({ code, line }) => `${code} ${line}`);
}

const SERVICE = `apiVersion: v1
kind: Service
metadata:
  name: api
spec:
  selector:
    app: api
  ports:
    - name: http
      port: 80
---
`;
const LINES = SERVICE.split('\n').length - 1;

/** A preview whose metadata is given: its pods' labels and annotations, and its own annotations. */
function preview(
  labels: readonly string[],
  annotations: readonly string[],
  own: readonly string[] = [],
  name = 'api-pr-42',
): string {
  const map = (title: string, entries: readonly string[], indent: string) =>
    entries.length === 0 ? [] : [`${indent}${title}:`, ...entries.map((entry) => `${indent}  ${entry}`)];
  return [
    'apiVersion: apps/v1',
    'kind: Deployment',
    'metadata:',
    `  name: ${name}`,
    ...map('annotations', own, '  '),
    'spec:',
    '  template:',
    '    metadata:',
    ...map('labels', labels, '      '),
    ...map('annotations', annotations, '      '),
    '    spec:',
    '      containers: [{ name: api, image: api }]',
    '',
  ].join('\n');
}

const KEY = 'detour.dev/preview: pr-42';
const INTERCEPT = 'detour.dev/intercept: api';

describe('a preview', () => {
  test.each<readonly [string, string, readonly string[]]>([
    ['that is right has no problems', preview([KEY], [INTERCEPT]), []],
    ['with a key that is none', preview(['detour.dev/preview: PR_42'], [INTERCEPT]), ['InvalidKey 9']],
    ['without an intercept', preview([KEY], []), ['MissingIntercept 9']],
    ['without a label', preview(['app: x'], [INTERCEPT]), ['InvalidKey 11']],
    ['with a rule that cannot be read', preview([KEY], [INTERCEPT, 'detour.dev/match: x==y']), ['InvalidRule 12']],
    ['with a rule for everybody', preview([KEY], [INTERCEPT, 'detour.dev/match: x-user']), ['RuleTooBroad 12']],
    ['with a misspelt annotation', preview([KEY], [INTERCEPT, 'detour.dev/matches: x']), ['UnknownAnnotation 12']],
    ['misspelt and without a label', preview(['app: x'], ['detour.dev/intercpt: api']), ['UnknownAnnotation 11']],
    ['of a Service that is not there', preview([KEY], ['detour.dev/intercept: apii']), ['UnknownService 11']],
    ['of a port that is not there', preview([KEY], ['detour.dev/intercept: api:grpc']), ['UnknownPort 11']],
    ['that has expired', preview([KEY], [INTERCEPT, 'detour.dev/expires: 2024-01-01T00:00:00Z']), ['Expired 12']],
    ['that the baseline selects', preview([KEY, 'app: api'], [INTERCEPT]), ['PreviewInBaseline 9']],
    [
      'with annotations on its own metadata',
      preview([KEY], [INTERCEPT], ['detour.dev/match: x-user=a']),
      ['MisplacedAnnotation 6'],
    ],
    ['with the annotations of `detour create`', preview([KEY], [INTERCEPT], ['detour.dev/delete-when-expired: "true"']), []],
    ['of a namespace that the manifests say nothing of', preview([KEY], ['detour.dev/intercept: api.other:grpc']), []],
    [
      'with a rule for everybody, of such a namespace',
      preview([KEY], ['detour.dev/intercept: api.other', 'detour.dev/match: x-user']),
      ['RuleTooBroad 12'],
    ],
  ])('%s', async (_, manifest, expected) => {
    expect(await findings(SERVICE + manifest)).toEqual(
      expected.map((each) => {
        const [code, line] = each.split(' ');
        return `${code} ${Number(line) + LINES}`;
      }),
    );
  });

  test('two with one key are a conflict, and both are told', async () => {
    const both = `${preview([KEY], [INTERCEPT])}---\n${preview([KEY], [INTERCEPT], [], 'copy')}`;
    expect((await findings(SERVICE + both)).map((each) => each.split(' ')[0])).toEqual(['Shadows', 'DuplicateKey']);
    expect((await findings(both)).map((each) => each.split(' ')[0])).toEqual(['Shadows', 'DuplicateKey']);
  });

  test('a bare Pod and a CronJob are read like a Deployment', async () => {
    const pod = `apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  labels:\n    detour.dev/preview: X\n  annotations:\n    ${INTERCEPT}\nspec: {}\n`;
    expect(await findings(pod)).toEqual(['InvalidKey 6']);
    const template = preview(['detour.dev/preview: X'], [INTERCEPT])
      .split('\n')
      .slice(4, -1)
      .map((line) => `    ${line}`);
    const job = [
      'apiVersion: batch/v1',
      'kind: CronJob',
      'metadata:',
      '  name: a',
      'spec:',
      '  jobTemplate:',
      ...template,
      '',
    ].join('\n');
    expect(await findings(job)).toEqual(['InvalidKey 11']);
  });
});

test('a Service: hosts without preview URLs, misspelt annotations, values that are none', async () => {
  const annotations =
    '  annotations:\n    detour.dev/host: example.com\n    detour.dev/alow-from: a\n    detour.dev/allow-modes: rout\n';
  const service = SERVICE.replace('spec:', `${annotations}spec:`);
  expect([...(await findings(service))].sort()).toEqual(['InvalidValue 8', 'NoPreviewUrl 6', 'UnknownAnnotation 7']);
});

test('the items of a List have lines of their own, and so have objects in JSON', async () => {
  const list = `kind: List\napiVersion: v1\nitems:\n${SERVICE.replace('---\n', '')
    .trimEnd()
    .split('\n')
    .map((line, index) => `${index === 0 ? '- ' : '  '}${line}`)
    .join('\n')}\n- kind: Service\n`;
  const said = await findings(list.replace('    name: api', '    name: api\n    annotations: { detour.dev/hosts: x }'));
  expect(said).toEqual(['UnknownAnnotation 8', 'InvalidObject 15']);
  const json = JSON.stringify(parse(preview(['detour.dev/preview: X'], [INTERCEPT])), undefined, 2);
  const line = json.split('\n').findIndex((each) => each.includes('detour.dev/preview')) + 1;
  expect(await findings(json)).toEqual([`InvalidKey ${line}`]);
});

test('one object twice in what is applied together is a problem', async () => {
  expect(await findings(SERVICE + SERVICE)).toEqual([expect.stringMatching(/^DuplicateObject /)]);
});

describe('the command', () => {
  const warned = SERVICE + preview([KEY], [INTERCEPT, 'detour.dev/matches: x']);

  test('exits with 0 for warnings, with 1 for them if it is strict, and with 1 for errors', async () => {
    expect(await lint(warned, '-')).toMatchObject({ code: 0, out: expect.stringMatching(/\n1 warning in 1 file\.\n$/) });
    expect((await lint(warned, '--strict', '-')).code).toBe(1);
    expect((await lint(preview([KEY], []), '-')).code).toBe(1);
    expect(await lint(SERVICE, '-')).toEqual({ code: 0, out: 'No problems in 1 file.\n', err: '' });
  });

  test('tells place, severity, code, object, what is wrong and the fix', async () => {
    expect((await lint(warned, '-')).out).toBe(
      `standard input:${12 + LINES}: warning UnknownAnnotation: Deployment default/api-pr-42: Pod default/api-pr-42: there is no annotation "detour.dev/matches"; it has no effect.\n` +
        '    Did you mean detour.dev/match?\n1 warning in 1 file.\n',
    );
  });

  test('names file and object of what is out of place but once', async () => {
    const { out } = await lint(preview([KEY], [INTERCEPT], ['detour.dev/match: x-user=a']), '-');
    expect(out).toMatch(
      /: warning MisplacedAnnotation: Deployment default\/api-pr-42 has detour\.dev\/match on its own metadata, without any effect there\.\n/,
    );
  });

  test('says what is no YAML, and where', async () => {
    const { code, out } = await lint('a: 1\n---\nb: [\n', '-');
    expect(code).toBe(1);
    expect(out).toMatch(/^standard input:\d+: error InvalidObject: standard input, document 2: not YAML/);
  });

  describe('with a folder', () => {
    let folder: string;

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'detour-lint-'));
      mkdirSync(join(folder, 'chart', 'templates'), { recursive: true });
      mkdirSync(join(folder, '.git'));
      writeFileSync(join(folder, 'b.yml'), preview(['detour.dev/preview: X'], [INTERCEPT]));
      writeFileSync(join(folder, 'a.yaml'), SERVICE);
      writeFileSync(join(folder, '.git', 'c.yaml'), 'kind: [');
      writeFileSync(join(folder, 'package.json'), '{"name": "x"}');
      writeFileSync(join(folder, 'chart', 'values.yaml'), 'replicas: 2\n');
      writeFileSync(join(folder, 'chart', 'templates', 'd.yaml'), '{{- if .Values.x }}\nkind: Service\n{{- end }}\n');
    });

    afterAll(() => rmSync(folder, { recursive: true }));

    test('reads the manifests in it, and says which are templates yet', async () => {
      const { code, out, err } = await lint('', '-o', 'json', folder);
      expect(code).toBe(1);
      expect(JSON.parse(out)).toMatchObject({ files: 4, problems: [{ code: 'InvalidKey', file: join(folder, 'b.yml') }] });
      expect(err).toContain(`${join('templates', 'd.yaml')} is a template`);
    });

    test('a file that is named is not passed over', async () => {
      expect((await lint('', join(folder, 'chart', 'values.yaml'))).out).toContain('kind is missing');
    });
  });

  test.each([
    [[], 'FILE|FOLDER|-… is missing'],
    [['/nowhere/x.yaml'], 'detour lint: /nowhere/x.yaml is not there. Give files, folders, or - for standard input.\n'],
    [['-', '--strct'], 'did you mean --strict?'],
  ])('wrong usage %j exits with 2', async (args, message) => {
    const { code, err } = await lint('', ...args);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });
});

test("the project's own manifests have no problem; on a Service, what the chart writes on pods has no effect", async () => {
  const own = ['detour.yaml', 'detour-namespaced.yaml'].map((name) =>
    fileURLToPath(new URL(`../../../k8s/${name}`, import.meta.url)),
  );
  expect(await lint('', '--strict', ...own)).toEqual({ code: 0, out: 'No problems in 2 files.\n', err: '' });
  const marked = SERVICE.replace('  name: api\n', '  name: api\n  annotations: { detour.dev/bootstrap: x }\n');
  expect(await findings(marked)).toEqual(['UnknownAnnotation 5']);
});

test('a pod that asks for a sidecar is right, preview or not; what it asks wrongly is told at its line', async () => {
  const pod = (label: string, concurrency: string, more = ''): string =>
    ['apiVersion: v1', 'kind: Pod', 'metadata:', '  name: web', '  labels:', `    detour.dev/inject: ${label}`]
      .concat(more === '' ? [] : [`    detour.dev/preview: ${more}`])
      .concat(['  annotations:', `    detour.dev/sidecar-concurrency: ${concurrency}`, '    detour.dev/token-file: "{}"'])
      .concat(more === '' ? [] : ['    detour.dev/intercept: api'])
      .concat(['spec: { containers: [] }', ''])
      .join('\n');
  expect(await findings(pod('"true"', '"4"'))).toEqual([]);
  expect(await findings(SERVICE + pod('"true"', '"4"', 'pr-42'))).toEqual([]);
  expect(await findings(pod('"yes"', '"0"'))).toEqual(['InvalidValue 6', 'InvalidValue 8']);
  expect(await findings(SERVICE + pod('"yes"', '"0"', 'pr-42'))).toEqual([
    `InvalidValue ${LINES + 6}`,
    `InvalidValue ${LINES + 9}`,
  ]);
});
