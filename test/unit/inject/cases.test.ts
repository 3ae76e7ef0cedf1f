/**
 * Manifests in, manifests with sidecars out: a folder for each feature. `UPDATE_GOLDEN=1` writes what is expected; read the
 * difference before it is committed. Envoy's bootstrap is left out: other tests are about it.
 */
import { readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { run } from '../../../src/cli/main.ts';

const FOLDER = fileURLToPath(new URL('golden', import.meta.url));

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function inject(text: string, ...args: readonly string[]): Promise<Said> {
  let [out, err] = ['', ''];
  const io = {
    out: (more: string) => (out += more),
    err: (more: string) => (err += more),
    environment: {},
    input: async () => text,
  };
  return { code: await run(['inject', '-f', '-', ...args], io), out, err };
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

test('a broken manifest fails', async () => {
  expect(await inject('a: [')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('not YAML, at line 1') });
});
