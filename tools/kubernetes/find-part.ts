/** Looks for a Kubernetes part: `KUBEBUILDER_ASSETS`, PATH, the cache of an earlier build. */
import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import type { KubernetesPart } from './parts.ts';

const run = promisify(execFile);

export interface PartSearch {
  /** Value of `KUBEBUILDER_ASSETS`, if set: a folder with the programs, whose versions are the user's choice. */
  readonly assets: string | undefined;
  readonly path: string;
}

/**
 * The program's path; undefined when there is none yet.
 * @throws Error when `KUBEBUILDER_ASSETS` is set and does not hold what such folders hold.
 */
export async function findPart(part: KubernetesPart, search: PartSearch): Promise<string | undefined> {
  if (search.assets !== undefined && search.assets !== '') {
    const chosen = join(search.assets, part.name);
    if (await isExecutable(chosen)) return chosen;
    if (part.isAsset)
      throw new Error(`KUBEBUILDER_ASSETS is ${search.assets}, which holds no program ${part.name}. Unset it, or put one there.`);
  }
  for (const folder of search.path.split(delimiter).filter((each) => each !== '')) {
    const candidate = join(folder, part.name);
    if ((await isExecutable(candidate)) && part.accepted.test(await versionOf(candidate))) return candidate;
  }
  return (await isExecutable(part.cached)) ? part.cached : undefined;
}

/** What the program says of itself; empty when it cannot be run. */
export async function versionOf(program: string): Promise<string> {
  return run(program, ['--version']).then(
    ({ stdout }) => stdout,
    () => '',
  );
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
