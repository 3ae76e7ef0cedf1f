/** `npm run lint`: import directions of src/, by the rules of import-rules.ts. */
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importsOf, violations } from './imports.ts';

const src = join(dirname(dirname(fileURLToPath(import.meta.url))), 'src');
const files = globSync('**/*.ts', { cwd: src })
  .filter((path) => !path.startsWith('generated/'))
  .sort();
const found = violations(new Map(files.map((path) => [path, importsOf(path, readFileSync(join(src, path), 'utf8'))])));
for (const line of found) console.error(line);
console.log(`${files.length} files, ${found.length} imports that are not allowed`);
process.exitCode = found.length === 0 && files.length > 0 ? 0 : 1;
