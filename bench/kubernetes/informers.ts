/** client-go's informers: built once from its published modules, into the user's cache. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Progress } from './loaded-api-server.ts';

const MODULE = fileURLToPath(new URL('../client-go/', import.meta.url));
const SAY_EVERY_MS = 4_000;

/** The program's path. @throws Error when it cannot be built. */
export async function getInformers(progress: Progress): Promise<string> {
  const version = await clientGoVersion();
  const folder = join(homedir(), '.cache', 'detour', `client-go-${version}`);
  const binary = join(folder, 'informers');
  const exists = await access(binary).then(
    () => true,
    () => false,
  );
  if (exists) return binary;
  await mkdir(folder, { recursive: true });
  const began = performance.now();
  progress(`building client-go ${version}'s informers (about 3 minutes on 2 cores, once)…`);
  const timer = setInterval(() => progress(`  ${Math.round((performance.now() - began) / 1000)} s`), SAY_EVERY_MS);
  try {
    const half = `${binary}.${process.pid}`;
    const args = ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', '-s -w', '-o', half, '.'];
    const child = spawn('go', args, {
      cwd: MODULE,
      env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
      stdio: ['ignore', 2, 2],
    });
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error('client-go cannot be built: Go 1.26 or later and a way to its modules are needed');
    await rename(half, binary);
    return binary;
  } finally {
    clearInterval(timer);
  }
}

export async function clientGoVersion(): Promise<string> {
  const found = /k8s\.io\/client-go v(\S+)/.exec(await readFile(join(MODULE, 'go.mod'), 'utf8'))?.[1];
  if (found === undefined) throw new Error('bench/client-go/go.mod names no client-go');
  return found;
}
