/** The folders of previews and their manifests, see `test/unit/preview/cases.test.ts`. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { runPreview } from '../../src/cli/preview.ts';

export const CASE_FOLDER = fileURLToPath(new URL('../unit/preview/cases', import.meta.url));
export const CASES = readdirSync(CASE_FOLDER).sort();
/** Before any of them ends. */
const NOW = Date.parse('2026-12-01T00:00:00Z');

/** What `detour preview` says to a case. */
export async function previewCase(name: string): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  const file = join(CASE_FOLDER, name, 'in.yaml');
  const args: readonly string[] = parse(readFileSync(join(CASE_FOLDER, name, 'args.yaml'), 'utf8'));
  let [out, err] = ['', ''];
  const io = { out: (text: string) => (out += text), err: (text: string) => (err += text), environment: {} };
  const code = await runPreview(['-f', file, ...args], io, NOW);
  return { code, out, err };
}
