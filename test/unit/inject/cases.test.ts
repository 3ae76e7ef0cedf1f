/**
 * Manifests in, manifests with sidecars out: a folder for each feature. `UPDATE_GOLDEN=1` writes what is expected; read the
 * difference before it is committed. Envoy's bootstrap is left out: other tests are about it.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { run } from '../../../src/cli/main.ts';

const FOLDER = fileURLToPath(new URL('golden', import.meta.url));

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const WITHOUT_TLS = /^detour inject: without --sidecar-xds-ca sidecars speak .*: it has to run with --plaintext on\.\n/;

/** What is said of TLS, which is said of everything, apart. */
async function inject(text: string, ...args: readonly string[]): Promise<Said> {
  let [out, err] = ['', ''];
  const io = {
    out: (more: string) => (out += more),
    err: (more: string) => (err += more),
    environment: {},
    input: async () => text,
  };
  const code = await run(['inject', '-f', '-', ...args], io);
  return { code, out, err: err.replace(WITHOUT_TLS, '') };
}

const values = (text: string): unknown => parseAllDocuments(text, { merge: true }).map((document) => document.toJS());

describe.each(readdirSync(FOLDER).sort())('%s', (name) => {
  const read = (file: string) => readFile(join(FOLDER, name, file), 'utf8');

  test('is as written down, and so is what is said of it', async () => {
    const { code, out, err } = await inject(await read('in.yaml'));
    expect(code).toBe(0);
    const actual = { 'out.yaml': out.replaceAll(/'\{"node":.*\}'/g, 'BOOTSTRAP'), 'err.txt': err };
    for (const [file, text] of Object.entries(actual)) {
      const path = join(FOLDER, name, file);
      if (process.env['UPDATE_GOLDEN'] === '1' && process.env['CI'] === undefined) writeFileSync(path, text);
      expect(text).toBe(await read(file));
    }
  });

  test('twice is once', async () => {
    const once = await inject(await read('in.yaml'));
    const twice = await inject(once.out);
    expect(twice.out).toBe(once.out);
  });

  test('in JSON is the same', async () => {
    const text = await read('in.yaml');
    const [only, ...others] = values(text) as unknown[];
    const list = others.length === 0 ? only : { apiVersion: 'v1', kind: 'List', items: [only, ...others] };
    const { out } = await inject(JSON.stringify(list));
    const [first, ...more] = values((await inject(text)).out) as unknown[];
    expect(JSON.parse(out)).toEqual(others.length === 0 ? first : { apiVersion: 'v1', kind: 'List', items: [first, ...more] });
  });
});

test('a mistake in an annotation fails, and prints nothing that could be applied', async () => {
  const text = (await readFile(join(FOLDER, 'annotations', 'in.yaml'), 'utf8')).replace('"4"', '"four"');
  expect(await inject(text)).toEqual({
    code: 1,
    out: '',
    err:
      'detour inject: Pod shop/debug-: InvalidValue: Pod shop/debug-: detour.dev/sidecar-concurrency does not take the value "four". ' +
      'It must be a whole number from 1 to 64.\n',
  });
});

test('with the authority of the control plane sidecars show a token, and nothing is said of TLS', async () => {
  const text = await readFile(join(FOLDER, 'init-containers', 'in.yaml'), 'utf8');
  const folder = await mkdtemp(join(tmpdir(), 'detour-inject-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const ca = join(folder, 'ca.crt');
  await writeFile(ca, rootCertificates[0] ?? '');
  const { code, out } = await inject(text, '--sidecar-xds-ca', ca, '--sidecar-xds-name', 'xds.example.com');
  expect(code).toBe(0);
  const [{ spec }] = values(out) as [{ readonly spec: { readonly template: { readonly metadata: object; readonly spec: Pod } } }];
  expect(spec.template.metadata).toMatchObject({
    annotations: { team: 'red', 'detour.dev/token-file': expect.stringContaining('/token"') },
  });
  expect(spec.template.spec.volumes.map(({ name }) => name)).toEqual(['data', 'detour-token']);
  expect(JSON.stringify(spec.template.spec.initContainers[1])).toContain('xds.example.com');
  expect(await inject(text, '--sidecar-xds-ca', fileURLToPath(import.meta.url))).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringMatching(/--sidecar-xds-ca .* has no certificate in PEM/),
  });
  expect(await inject(text, '--sidecar-xds-ca', '/nowhere')).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('--sidecar-xds-ca /nowhere is not there.'),
  });
});

interface Pod {
  readonly volumes: readonly { readonly name: string }[];
  readonly initContainers: readonly object[];
}

test('a small sidecar has an init step that is large enough', async () => {
  const text = await readFile(join(FOLDER, 'annotations', 'in.yaml'), 'utf8');
  const { out } = await inject(text.replace('requests.cpu=1, requests.memory=1Gi', 'requests.memory=32Mi, limits.memory=32Mi'));
  const [{ spec }] = values(out) as [{ readonly spec: Pod }];
  expect(spec.initContainers).toMatchObject([
    { resources: { requests: { memory: '128Mi' }, limits: { memory: '128Mi' } } },
    { resources: { requests: { memory: '32Mi' }, limits: { memory: '32Mi' } } },
  ]);
});

test('a broken manifest fails', async () => {
  expect(await inject('a: [')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('not YAML, at line 1') });
});
