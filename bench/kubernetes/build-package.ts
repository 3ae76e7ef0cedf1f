/** What is measured is what is installed: the built package. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Progress } from './loaded-api-server.ts';

const BUILD = fileURLToPath(new URL('../../tools/build.ts', import.meta.url));

/** @throws Error when it cannot be built; why is on standard error then. */
export function buildPackage(progress: Progress): void {
  progress('building the package…');
  const { status } = spawnSync(process.execPath, [BUILD], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error('the package cannot be built');
}
