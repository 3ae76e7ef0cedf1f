/** Finds Debian's `buildah`, which builds a Dockerfile without an engine, or installs it. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** An installation takes seconds; a mirror that hangs is not waited for. */
const INSTALL_LIMIT_MS = 240_000;

/** What `buildah --version` says; undefined when there is none. */
export async function buildahVersion(): Promise<string | undefined> {
  return run('buildah', ['--version']).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
}

/**
 * Its version, once it is there.
 * @param progress told what is being done, line by line.
 * @throws Error that says what to install, when it is neither there nor can be installed.
 */
export async function getBuildah(progress: (line: string) => void): Promise<string> {
  const found = await buildahVersion();
  if (found !== undefined) return found;
  const help = 'Install it and try again, for example with `sudo apt-get install buildah`.';
  if (process.getuid?.() !== 0)
    throw new Error(`There is no buildah, which builds the image, and only root may install it. ${help}`);
  try {
    progress('Installing buildah, which builds the image (apt-get, once)…');
    await aptGet(['update'], progress);
    await aptGet(['install', '--yes', '--no-install-recommends', 'buildah'], progress);
  } catch (error) {
    throw new Error(
      `There is no buildah, and installing it failed: ${error instanceof Error ? error.message : String(error)}. ${help}`,
    );
  }
  const installed = await buildahVersion();
  if (installed === undefined) throw new Error(`apt-get installed buildah, but \`buildah --version\` does not run. ${help}`);
  return installed;
}

async function aptGet(args: readonly string[], progress: (line: string) => void): Promise<void> {
  const child = spawn('apt-get', ['-q', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: INSTALL_LIMIT_MS,
  });
  const ended = once(child, 'close');
  let last = '';
  const tell = (line: string): void => {
    last = line;
    progress(`  ${line}`);
  };
  createInterface(child.stdout).on('line', tell);
  createInterface(child.stderr).on('line', tell);
  const [code] = await ended;
  if (code !== 0) throw new Error(`apt-get ${args[0]} ended with ${code ?? 'a signal'}: ${last}`);
}
