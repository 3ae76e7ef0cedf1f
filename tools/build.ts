/**
 * `npm run build`: src/ and the packages that it needs → dist/, a few files of JavaScript, for the package and the image:
 * Node runs no TypeScript below node_modules, and hundreds of small files take it longer to load (docs/adr/0008). A checkout needs no
 * build. `npm pack` calls it by itself. Types are checked by `npm run typecheck`.
 */
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';
import { licensesOf } from './licenses.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const src = join(root, 'src');
const dist = join(root, 'dist');

/** What is started by its path. */
const ENTRIES = ['main.ts', 'cli/demo/shop-app.ts'];
/** Looked for where the package is installed, and done without: see package.json, and ws. */
const OPTIONAL = ['@kubernetes/client-node', 'bufferutil', 'utf-8-validate'];

/** Files find others by paths from where they are; all chunks are in dist/ itself, so each is told where its own file would be. */
const ownPlace: Plugin = {
  name: 'own-place',
  transform: {
    filter: { id: /\.ts$/, code: 'import.meta.url' },
    handler: (code, id) => {
      const place = relative(src, id).replace(/\.ts$/, '.js');
      return { code: code.replaceAll('import.meta.url', `new URL('./${place}', import.meta.url).href`), map: null };
    },
  },
};

// A file whose source is gone must not be packed.
rmSync(dist, { recursive: true, force: true });
const bundle = await rolldown({
  cwd: root,
  input: Object.fromEntries(ENTRIES.map((path) => [path.replace(/\.ts$/, ''), join(src, path)])),
  platform: 'node',
  tsconfig: false,
  external: OPTIONAL,
  plugins: [ownPlace],
});
const { output } = await bundle.write({
  dir: dist,
  chunkFileNames: '[name]-[hash].js',
  // Only positions: `--enable-source-maps` then names files and lines of src/.
  sourcemap: true,
  sourcemapExcludeSources: true,
  comments: { legal: true, annotation: false, jsdoc: false },
});
await bundle.close();
mkdirSync(join(dist, 'generated'), { recursive: true });
copyFileSync(join(src, 'generated', 'envoy.json'), join(dist, 'generated', 'envoy.json'));
const modules = output.flatMap((file) => (file.type === 'chunk' ? file.moduleIds : []));
writeFileSync(join(dist, 'LICENSES.txt'), licensesOf(modules));
