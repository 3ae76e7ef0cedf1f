/** The built package, as somebody who installs it has it: `await using installed = await installPackage()`. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { holdLock } from '../../../tools/kubernetes/hold-lock.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The project's Node and nothing of its packages: what a user has on the PATH. */
function environment(): Record<string, string | undefined> {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  return { ...process.env, PATH: [dirname(process.execPath), ...path].join(delimiter), NO_COLOR: '1' };
}

export class InstalledPackage implements AsyncDisposable {
  /** Outside of the project. */
  readonly folder: string;
  /** Paths in the tarball, sorted. */
  readonly files: readonly string[];

  constructor(folder: string, files: readonly string[]) {
    this.folder = folder;
    this.files = files;
  }

  /** What `npx detour` would run. */
  get command(): string {
    return join(this.folder, 'node_modules', '.bin', 'detour');
  }

  /** Its output, once it has ended. @throws with its exit code and what it said, when that is not 0. */
  async detour(...args: readonly string[]): Promise<string> {
    return this.run(this.command, ...args);
  }

  /** The same for any program, which finds what the package brings on the PATH. */
  async run(program: string, ...args: readonly string[]): Promise<string> {
    const own = environment();
    const PATH = [dirname(this.command), own['PATH']].join(delimiter);
    return (await run(program, [...args], { cwd: this.folder, env: { ...own, PATH } })).stdout;
  }

  /** Runs until it is disposed of. */
  start(...args: readonly string[]): RunningCommand {
    return new RunningCommand(
      spawn(this.command, [...args], { cwd: this.folder, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

export class RunningCommand implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;
  /** What it said, on both of its outputs. */
  output = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    this.#exit = once(child, 'close');
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
      });
    }
  }

  /** Ends it as a shell does. @returns its exit code. */
  async stop(): Promise<unknown> {
    this.#child.kill('SIGTERM');
    return (await this.#exit)[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill('SIGKILL');
    await this.#exit;
  }
}

/** `npm pack`, which builds, and `npm install` of that into an empty folder. Packages come out of npm's cache. */
export async function installPackage(): Promise<InstalledPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'detour-package-'));
  try {
    const { tarball, files } = await pack(folder);
    await writeFile(join(folder, 'package.json'), '{"name":"user","private":true}');
    const options = ['--prefer-offline', '--omit=optional', '--ignore-scripts', '--no-audit', '--no-fund'];
    await run('npm', ['install', ...options, tarball], { cwd: folder, env: environment() });
    return new InstalledPackage(folder, files);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

async function pack(folder: string): Promise<{ readonly tarball: string; readonly files: readonly string[] }> {
  // The build writes into the project.
  await using _lock = await holdLock(join(ROOT, '.detour', 'pack.lock'), { waiting: () => undefined });
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], { cwd: ROOT, env: environment() });
  const told: unknown = JSON.parse(stdout);
  // npm 11 tells a list; later ones an object by name.
  const [packed] = Object.values(told ?? {}) as {
    readonly filename: string;
    readonly files: readonly { readonly path: string }[];
  }[];
  if (packed === undefined) throw new Error(`npm pack told nothing: ${stdout}`);
  return { tarball: join(folder, packed.filename), files: packed.files.map(({ path }) => path).sort() };
}
