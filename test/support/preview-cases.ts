/** The folders of previews and their manifests, see `test/unit/preview/cases.test.ts`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { run } from '../../src/cli/main.ts';

export const CASE_FOLDER = fileURLToPath(new URL('../unit/preview/cases', import.meta.url));
export const CASES = readdirSync(CASE_FOLDER).sort();

/** What `detour preview` says to a case. */
export async function previewCase(name: string): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const file = join(CASE_FOLDER, name, 'in.yaml');
  const args: readonly string[] = parse(readFileSync(join(CASE_FOLDER, name, 'args.yaml'), 'utf8'));
  let [out, err] = ['', ''];
  const io = { out: (text: string) => (out += text), err: (text: string) => (err += text), environment: {} };
  const code = await run(['preview', '-f', file, ...args], io);
  return { code, out, err };
}
