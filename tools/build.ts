/**
 * `npm run build`: src/ and the packages that it needs → dist/, a few files of JavaScript, for the package and the image:
 * Node runs no TypeScript below node_modules, and hundreds of small files take it longer to load (docs/adr/0008). A checkout needs no
 * build. `npm pack` calls it by itself. Types are checked by `npm run typecheck`.
 */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.ts';
import { licensesOf } from './licenses.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const src = join(root, 'src');
const dist = join(root, 'dist');

/** What is started by its path. */
const ENTRIES = ['main.ts', 'cli/demo/shop-app.ts'];

// A file whose source is gone must not be packed.
rmSync(dist, { recursive: true, force: true });
const chunks = await bundle({
  input: Object.fromEntries(ENTRIES.map((path) => [path.replace(/\.ts$/, ''), join(src, path)])),
  folder: dist,
  placeOf: (source) => relative(src, source).replace(/\.ts$/, '.js'),
});
mkdirSync(join(dist, 'generated'), { recursive: true });
copyFileSync(join(src, 'generated', 'envoy.json'), join(dist, 'generated', 'envoy.json'));
writeFileSync(join(dist, 'LICENSES.txt'), licensesOf(chunks.flatMap((chunk) => chunk.moduleIds)));
