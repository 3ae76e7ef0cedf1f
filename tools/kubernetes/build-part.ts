/** Builds a Kubernetes part from its published Go modules, once, into the user's cache folder. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { findPart, type PartSearch, versionOf } from './find-part.ts';
import { holdLock } from './hold-lock.ts';
import type { KubernetesPart } from './parts.ts';

/** A build says at least this often that it goes on. */
const PROGRESS_MS = 4000;
/** Lines of the compiler that are kept for the message of a failure. */
const KEPT_LINES = 20;

export interface PartBuild extends PartSearch {
  /** Told what is being done, every few seconds. */
  readonly progress: (line: string) => void;
  /** Ends a build early. */
  readonly signal?: AbortSignal;
}

/**
 * The program's path, built if it is nowhere yet. Only one process builds; others wait for its result.
 * @throws Error that says what to install, when it can be neither found nor built.
 */
export async function getPart(part: KubernetesPart, build: PartBuild): Promise<string> {
  const found = await findPart(part, build);
  if (found !== undefined) return found;
  await using _lock = await holdLock(`${dirname(part.cached)}.lock`, {
    waiting: (seconds) => build.progress(`Another process builds ${part.name}; waiting, ${seconds} s`),
    ...(build.signal === undefined ? {} : { signal: build.signal }),
  });
  // Whoever had the lock before may have built it.
  return (await findPart(part, build)) ?? (await buildPart(part, build));
}

async function buildPart(part: KubernetesPart, build: PartBuild): Promise<string> {
  const { name, version, cached } = part;
  build.progress(`Building ${name} ${version} from its Go modules (about ${part.minutes} minutes on 2 cores, once)…`);
  const folder = dirname(cached);
  await mkdir(folder, { recursive: true });
  const work = await mkdtemp(join(folder, 'build-'));
  try {
    const program = join(work, name);
    await goBuild(part, program, build);
    if (!(await versionOf(program)).includes(version)) throw new Error(`what was built does not say that it is ${version}`);
    await rename(program, cached);
    build.progress(`${name} ${version} is in ${folder}`);
    return cached;
  } catch (error) {
    if (build.signal?.aborted === true) throw new Error(`The build of ${name} was ended early.`);
    throw new Error(
      `No ${name} was found, and building ${version} failed: ${error instanceof Error ? error.message : String(error)}\n` +
        'Install Go 1.26 or later (https://go.dev/dl) with a way to its modules (`go env GOPROXY`), and try again' +
        (part.isAsset ? '; or set KUBEBUILDER_ASSETS to a folder with the programs kube-apiserver and etcd.' : '.'),
    );
  } finally {
    await rm(work, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** `go build`, with low priority so that the machine stays usable. */
async function goBuild(part: KubernetesPart, output: string, build: PartBuild): Promise<void> {
  const flags = ['-v', '-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags', part.linkerFlags, '-o', output];
  const child = spawn('nice', ['-n', '10', 'go', 'build', ...flags, part.package], {
    cwd: part.moduleFolder,
    env: { ...process.env, CGO_ENABLED: '0', GOWORK: 'off', GOTMPDIR: dirname(output) },
    stdio: ['ignore', 'ignore', 'pipe'],
    // What Ctrl-C sends: go starts no further compiler.
    killSignal: 'SIGINT',
    ...(build.signal === undefined ? {} : { signal: build.signal }),
  });
  const began = Date.now();
  const lines: string[] = [];
  let packages = 0;
  createInterface(child.stderr).on('line', (line) => {
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    // `-v` names each package once it is compiled; all else has spaces in it.
    if (!line.includes(' ')) packages += 1;
  });
  const timer = setInterval(() => {
    const seconds = Math.round((Date.now() - began) / 1000);
    build.progress(`  ${part.name}: ${seconds} s, ${packages} packages compiled; ${lines.at(-1) ?? 'reading its modules'}`);
  }, PROGRESS_MS);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', (error) => {
        // Ended early: `close` comes once go is gone; a compiler that it had started ends by itself in seconds.
        if (child.pid === undefined) reject(error);
      });
      child.once('close', resolve);
    });
    if (code !== 0) throw new Error(`go build ended with ${code ?? 'a signal'}:\n${lines.join('\n')}`);
  } finally {
    clearInterval(timer);
  }
}
