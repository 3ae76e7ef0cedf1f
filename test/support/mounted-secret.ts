/** A folder as a kubelet mounts a Secret or a projected token: what is in it is changed all at once, by one symbolic link. */
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export class MountedSecret implements AsyncDisposable {
  readonly folder: string;
  readonly #parent: string;
  #generation = 0;

  private constructor(parent: string, name: string) {
    this.#parent = parent;
    this.folder = join(parent, name);
  }

  /** @param files by name; the names stay the same @param name what the folder is called */
  static async mount(files: Readonly<Record<string, string>>, name = 'secret'): Promise<MountedSecret> {
    const secret = new MountedSecret(await mkdtemp(join(tmpdir(), 'detour-secret-')), name);
    await mkdir(secret.folder);
    await secret.update(files);
    for (const name of Object.keys(files)) await symlink(join('..data', name), join(secret.folder, name));
    return secret;
  }

  file(name: string): string {
    return join(this.folder, name);
  }

  /** As a kubelet does: a new folder, and one rename. */
  async update(files: Readonly<Record<string, string>>): Promise<void> {
    const old = `..generation-${this.#generation}`;
    this.#generation += 1;
    const name = `..generation-${this.#generation}`;
    await mkdir(join(this.folder, name));
    for (const [file, content] of Object.entries(files)) await writeFile(join(this.folder, name, file), content);
    await symlink(name, join(this.folder, '..data_tmp'));
    await rename(join(this.folder, '..data_tmp'), join(this.folder, '..data'));
    await rm(join(this.folder, old), { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return rm(this.#parent, { recursive: true, force: true });
  }
}
