import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { readDuration } from '../../../src/cli/duration.ts';
import { runPreview } from '../../../src/cli/preview.ts';
import { service, workload } from '../preview/shop.ts';

const NOW = Date.parse('2026-12-01T00:00:00Z');

async function preview(
  input: unknown,
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ['', ''];
  const io = {
    out: (text: string) => (out += text),
    err: (text: string) => (err += text),
    environment: { DETOUR_IMAGE_TEMPLATE: 'r/api:{sha:7}', DETOUR_KEY: 'of-something-else' },
    input: async () => (typeof input === 'string' ? input : JSON.stringify({ kind: 'List', apiVersion: 'v1', items: input })),
  };
  return { code: await runPreview(['-f', '-', ...args], io, NOW), out, err };
}

const SHOP = [service(), workload()];

test('makes YAML documents, or a List in JSON; the others come before them if that is asked', async () => {
  const { out } = await preview(SHOP, '-k', 'pr-42');
  const [only, ...more] = parseAllDocuments(out).map((document) => document.toJS());
  expect([only.metadata.name, more]).toEqual(['api-pr-42', []]);
  expect(await preview(SHOP, '-k', 'pr-42', '-o', 'wide')).toEqual({ code: 0, out, err: '' });
  const all = JSON.parse((await preview(SHOP, '-k', 'pr-42', '--all', '-o', 'json')).out);
  expect(all).toMatchObject({ kind: 'List', items: [...SHOP, only] });
});

test('takes the template of images from its variable, and the key from its flag alone', async () => {
  expect((await preview(SHOP, '-k', 'pr-42', '--from-commit', '0123456789')).out).toContain('image: r/api:0123456');
  expect(await preview(SHOP)).toMatchObject({ code: 2, err: expect.stringContaining('--key is missing') });
});

test('a file that is not there is wrong usage, and said in plain words', async () => {
  const said = await preview(SHOP, '-f', '/nowhere/x.yaml', '-k', 'pr-42');
  const err = 'detour preview: /nowhere/x.yaml is not there. Give files, folders, or - for standard input.\n';
  expect(said).toEqual({ code: 2, out: '', err });
});

test.each([
  ['--ttl', '1h30m', '2026-12-01T01:30:00Z'],
  ['--expires', '2026-12-01T01:00:01+01:00', '2026-12-01T00:00:01Z'],
])('ends after its time: %s %s', async (flag, time, expires) => {
  const { code, out } = await preview(SHOP, '-k', 'pr-42', flag, time);
  expect([code, out]).toEqual([0, expect.stringContaining(`detour.dev/expires: "${expires}"`)]);
});

const DAEMON = workload({ kind: 'DaemonSet' });
const OTHER = workload({ metadata: { name: 'api-canary' } });
const WEB = [service({ selector: { app: 'web' } }, 'web'), workload({ labels: { app: 'web' }, metadata: { name: 'web' } })];

test.each<readonly [string, unknown, readonly string[], string]>([
  ['nothing', '', [], 'The manifests hold no Service.'],
  ['a Service without its workload', [service()], [], 'None of the Services has a workload'],
  ['a Service that is not there', SHOP, ['--service', 'web'], 'The manifests hold no Service web. They hold api.'],
  [
    'several workloads of one Service',
    [...SHOP, OTHER],
    [],
    'selects the pods of several workloads: Deployment shop/api, Deployment shop/api-canary.',
  ],
  ['a DaemonSet that is named', [service(), DAEMON], ['--service', 'api'], 'a copy of it would run on every node'],
  ['one image for two workloads', [...SHOP, ...WEB], ['--image', 'a:1'], 'One image is given, and there are 2 workloads'],
  ['what is no YAML', 'a: [', [], 'standard input: not YAML'],
  ['a rule that cannot be read', SHOP, ['--match', 'x=='], 'detour.dev/match'],
])('fails with nothing printed for %s', async (_, input, args, message) => {
  expect(await preview(input, '-k', 'pr-42', ...args)).toEqual({ code: 1, out: '', err: expect.stringContaining(message) });
});

test('a DaemonSet that nobody named is passed over, and that is said', async () => {
  const agent = { ...workload({ kind: 'DaemonSet', labels: { app: 'agent' } }) };
  const { code, err } = await preview([...SHOP, service({ selector: { app: 'agent' } }, 'agent'), agent], '-k', 'pr-42');
  expect([code, err]).toEqual([0, expect.stringContaining('It has no preview.')]);
});

test('of several workloads, one can be named', async () => {
  const { out } = await preview([...SHOP, OTHER], '-k', 'pr-42', '--workload', 'api-canary');
  expect(out).toContain('name: api-canary-pr-42');
});

test.each<readonly [readonly string[], string]>([
  [['--image', 'a:1', '--from-commit', '0123456'], '--image and --from-commit both say'],
  [['--ttl', '1h', '--expires', '2027-01-01T00:00:00Z'], '--ttl and --expires both say'],
  [['--expires', '2026-12-01T01:00:00+01:00'], '--expires 2026-12-01T00:00:00.000Z is over: name an instant to come.'],
  [['--expires', '2026-11-30T23:59:59Z', '--keep-expired'], 'is over'],
  [['--keep-expired'], '--keep-expired is about --ttl'],
  [['--ttl', '0s'], '--ttl "0s" must be a time such as'],
  [['--from-commit', 'main'], "must be a commit's hash"],
  [['--env', 'A'], 'must be NAME=VALUE'],
  [['--label', 'a b=c'], 'must be NAME=VALUE'],
  [['-o', 'table'], 'must be one of yaml, wide, json'],
])('refuses %j with 2', async (args, message) => {
  expect(await preview(SHOP, '-k', 'pr-42', ...args)).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) });
});

test.each([
  ['72h', 259_200_000],
  ['7d', 604_800_000],
  ['1h30m', 5_400_000],
  ['90s', 90_000],
])('a time of %s', (text, value) => {
  expect(readDuration(text)).toEqual({ value });
});

test.each(['', '1', '-1h', '1h1d', '1.5h', '99999d'])('%j is no time', (text) => {
  expect(readDuration(text)).toHaveProperty('mistake');
});
