/** Debian's packages, where this machine is a Debian and we are root on it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** An installation takes seconds; a mirror that hangs is not waited for. */
const INSTALL_LIMIT_MS = 240_000;

/**
 * @param progress told what is being done, line by line.
 * @throws Error with the last line that was said, when it cannot be installed.
 */
export async function aptInstall(name: string, progress: (line: string) => void): Promise<void> {
  await aptGet(['update'], progress);
  await aptGet(['install', '--yes', '--no-install-recommends', name], progress);
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
