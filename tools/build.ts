/**
 * `npm run build`: src/ → dist/ as JavaScript, for the package and the image: Node runs no TypeScript below
 * node_modules. A checkout needs no build. `npm pack` calls it by itself. Types are checked by `npm run typecheck`.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(root, 'dist');
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');

// A file whose source is gone must not be packed.
rmSync(dist, { recursive: true, force: true });
// npm reads what scripts print on standard output as its own, with --json.
const { status } = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], { stdio: ['ignore', 2, 2] });
if (status === 0) {
  mkdirSync(join(dist, 'generated'), { recursive: true });
  copyFileSync(join(root, 'src', 'generated', 'envoy.json'), join(dist, 'generated', 'envoy.json'));
} else process.exitCode = 1;
