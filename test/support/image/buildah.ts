/** Builds a Dockerfile without an engine, in a storage of its own: `await using buildah = await startBuildah()`. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildahVersion } from '../../../tools/image/buildah.ts';
import { writeBaseImage } from './base-image.ts';

const run = promisify(execFile);

/** Of what the image's configuration says, what a run needs. */
export interface ImageConfig {
  readonly User: string;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly WorkingDir: string;
}

export class Buildah implements AsyncDisposable {
  readonly #folder: string;
  readonly #containers: string[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** An image of that name with nothing but the stand-in for Node's. */
  async makeBaseImage(name: string): Promise<void> {
    const context = join(this.#folder, 'base');
    await writeBaseImage(context);
    const file = join(this.#folder, 'base.Dockerfile');
    await writeFile(file, 'FROM scratch\nCOPY . /\n');
    await this.run('bud', '--isolation', 'chroot', '-q', '-f', file, '-t', name, context);
    await rm(context, { recursive: true });
  }

  /** @returns what the build printed. Packages come out of npm's cache of this machine. */
  async build(context: string, name: string, ...args: readonly string[]): Promise<string> {
    const cache = join(homedir(), '.npm');
    await mkdir(cache, { recursive: true });
    const mount = ['-v', `${cache}:/root/.npm`];
    return this.run('bud', '--isolation', 'chroot', '--pull-never', ...mount, ...args, '-t', name, context);
  }

  async configOf(image: string): Promise<ImageConfig> {
    const told = JSON.parse(await this.run('inspect', '--type', 'image', image)) as {
      readonly OCIv1: { readonly config: ImageConfig };
    };
    return told.OCIv1.config;
  }

  /** A container's root folder, until this is disposed of. */
  async mount(image: string): Promise<string> {
    const container = (await this.run('from', '--pull-never', image)).trim();
    this.#containers.push(container);
    return (await this.run('mount', container)).trim();
  }

  async run(...args: readonly string[]): Promise<string> {
    const storage = ['--storage-driver', 'vfs', '--root', join(this.#folder, 'root'), '--runroot', join(this.#folder, 'run')];
    try {
      const { stdout } = await run('buildah', [...storage, ...args], { maxBuffer: 64 * 1024 * 1024 });
      return stdout;
    } catch (error) {
      const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
      throw new Error(`buildah ${args[0]} failed: ${stdout ?? ''}${stderr ?? String(error)}`, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const container of this.#containers) await this.run('rm', container);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** @throws Error that says what to do, where buildah is missing or cannot work. */
export async function startBuildah(): Promise<Buildah> {
  if ((await buildahVersion()) === undefined)
    throw new Error(
      'There is no buildah here. `tools/run tools/image/get.ts` installs it as root; or: sudo apt-get install buildah.',
    );
  if (process.getuid?.() !== 0) throw new Error('The image is built and run as root only: `sudo npm test`, or in a container.');
  return new Buildah(await mkdtemp(join(tmpdir(), 'detour-image-')));
}
