/** The control plane of this benchmark made of its sources as the package is: what is measured is how it is run (ADR 8). */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, whereItIs } from '../../tools/bundle.ts';

const SOURCE = fileURLToPath(new URL('./detour-server.ts', import.meta.url));
const FOLDER = fileURLToPath(new URL('../../.detour/bench-xds', import.meta.url));

/** @returns the path of what is to be started; made anew each time, in less than a second. */
export async function bundledServer(): Promise<string> {
  await bundle({ input: { 'detour-server': SOURCE }, folder: FOLDER, placeOf: whereItIs(FOLDER) });
  return join(FOLDER, 'detour-server.js');
}
