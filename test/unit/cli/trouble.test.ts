import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../../src/cli/main.ts';

/** No program takes that port. */
const NOBODY = '127.0.0.1:1';
let folder: string;
let kubeconfig: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detour-trouble-'));
  kubeconfig = join(folder, 'config');
  const config = {
    clusters: [{ name: 'own', cluster: { server: `https://${NOBODY}` } }],
    users: [{ name: 'own', user: { token: 'x' } }],
    contexts: [{ name: 'own', context: { cluster: 'own', user: 'own' } }],
    'current-context': 'own',
  };
  await writeFile(kubeconfig, JSON.stringify(config));
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each([
  ['list'],
  ['wait', 'pr-1', '--timeout', '1s'],
  ['explain', '--to', 'api'],
  ['create', 'api', '--key', 'pr-1'],
  ['delete', 'pr-1'],
  ['sign', 'pr-1'],
])('%s says what may be wrong where no API server answers', async (...args) => {
  let [out, err] = ['', ''];
  const io = { out: (text: string) => (out += text), err: (text: string) => (err += text), environment: {} };
  const code = await run([...args, '--kubeconfig', kubeconfig], io);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain(`the API server https://${NOBODY} cannot be reached: connect ECONNREFUSED ${NOBODY}.`);
  expect(err).toMatch(/ Is the cluster running, and is it the one you mean \(--context NAME, --kubeconfig FILE\)\?\n$/);
});
