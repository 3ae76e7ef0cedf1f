/** The Python packages that the gRPC client for Python needs, in a folder of the user's cache: nothing is installed. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { holdLock } from '../kubernetes/hold-lock.ts';

const run = promisify(execFile);

const REQUIREMENTS = fileURLToPath(new URL('../../test/support/clients/python/requirements.txt', import.meta.url));
/** What the client imports. */
const IMPORTS = 'import grpc, envoy.service.status.v3.csds_pb2_grpc';

export interface PackagesFetch {
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The folder for PYTHONPATH, filled if it is not there yet. Only one process fills it.
 * @throws Error that says what to install, when the packages cannot be fetched.
 */
export async function getPythonPackages({ progress, signal }: PackagesFetch): Promise<string> {
  const options = signal === undefined ? {} : { signal };
  try {
    const folder = join(homedir(), '.cache', 'detour', `grpc-python-${await stateOf(options)}`);
    if (await isThere(folder)) return folder;
    await using _lock = await holdLock(`${folder}.lock`, {
      waiting: (seconds) => progress(`Another process fetches the Python packages; waiting, ${seconds} s`),
      ...options,
    });
    // Whoever had the lock before may have filled it.
    if (await isThere(folder)) return folder;
    progress('Fetching grpcio and xds-protos (Python wheels of 9 MB, once)…');
    const work = await mkdtemp(`${folder}-`);
    try {
      const install = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--only-binary', ':all:', '--no-compile'];
      await run('python3', [...install, '--target', work, '--requirement', REQUIREMENTS], options);
      await run('python3', ['-c', IMPORTS], { ...options, env: { ...process.env, PYTHONPATH: work } });
      await rename(work, folder);
    } finally {
      await rm(work, { recursive: true, force: true });
    }
    return folder;
  } catch (error) {
    throw new Error(
      `The gRPC client for Python cannot run: ${error instanceof Error ? error.message : String(error)}\n` +
        'It needs python3 (3.10 or later) with pip, and a way to its packages (python3 -m pip config list).',
    );
  }
}

/** Wheels are made for one version of Python. */
async function stateOf(options: { readonly signal?: AbortSignal }): Promise<string> {
  const { stdout } = await run('python3', ['-c', 'import sys; print(sys.implementation.cache_tag)'], options);
  const hash = createHash('sha256').update(await readFile(REQUIREMENTS));
  return `${stdout.trim()}-${hash.digest('hex').slice(0, 12)}`;
}

function isThere(folder: string): Promise<boolean> {
  return access(folder).then(
    () => true,
    () => false,
  );
}
