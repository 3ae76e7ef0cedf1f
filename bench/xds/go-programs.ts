/** Builds the Go programs of this benchmark, once for each state of their sources, into the user's cache folder. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MODULE = fileURLToPath(new URL('../go-control-plane/', import.meta.url));
const PROGRESS_MS = 4000;

export interface GoPrograms {
  /** go-control-plane, behind `-cache linear` or `-cache snapshot`. */
  readonly server: string;
  readonly load: string;
  /** Writes to connections, and nothing else. */
  readonly bare: string;
}

/** @throws Error that says what to install, when they cannot be built. */
export async function goPrograms(progress: (line: string) => void): Promise<GoPrograms> {
  const folder = join(homedir(), '.cache', 'detour', `bench-xds-${await sourcesHash()}`);
  const programs = { server: join(folder, 'server'), load: join(folder, 'load'), bare: join(folder, 'bare') };
  const isBuilt = await access(folder).then(
    () => true,
    () => false,
  );
  if (isBuilt) return programs;
  progress('Building go-control-plane and the load generator (about a minute on 2 cores, once)…');
  const work = `${folder}.${process.pid}`;
  await mkdir(work, { recursive: true });
  await build(work, progress);
  await rename(work, folder);
  return programs;
}

async function build(folder: string, progress: (line: string) => void): Promise<void> {
  const args = [
    '-n',
    '10',
    'go',
    'build',
    '-mod=readonly',
    '-trimpath',
    '-buildvcs=false',
    '-o',
    `${folder}/`,
    './server',
    './load',
    './bare',
  ];
  const began = Date.now();
  const timer = setInterval(() => progress(`  ${Math.round((Date.now() - began) / 1000)} s`), PROGRESS_MS);
  try {
    const child = spawn('nice', args, {
      cwd: MODULE,
      env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', resolve);
    });
    if (code === 0) return;
    throw new Error(
      `go build ended with ${code ?? 'a signal'}. It needs Go 1.26 or later (https://go.dev/dl) and a way to its modules (go env GOPROXY).`,
    );
  } finally {
    clearInterval(timer);
  }
}

async function sourcesHash(): Promise<string> {
  const hash = createHash('sha256');
  const files = await readdir(MODULE, { recursive: true, withFileTypes: true });
  for (const file of files
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name))
    .sort()) {
    hash.update(file.slice(MODULE.length)).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 12);
}
