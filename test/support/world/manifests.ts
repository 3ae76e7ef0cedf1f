/** A directory of Kubernetes objects for `--source directory:`, one object a file, each written by an atomic rename. */
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';

export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly namespace: string; readonly name: string; readonly [field: string]: unknown };
  readonly [field: string]: unknown;
}

export class Manifests implements AsyncDisposable {
  /** What the control plane follows. */
  readonly folder: string;
  readonly #parent: string;
  #serial = 0;

  constructor(parent: string) {
    this.#parent = parent;
    this.folder = join(parent, 'manifests');
  }

  async put(...objects: readonly KubernetesObject[]): Promise<void> {
    for (const object of objects) await this.write(fileOf(object.kind, object.metadata), stringify(object));
  }

  async remove(kind: string, namespace: string, name: string): Promise<void> {
    await rm(join(this.folder, fileOf(kind, { namespace, name })), { force: true });
  }

  /** Any text under any name: for what is no good manifest. */
  async write(file: string, text: string): Promise<void> {
    const draft = join(this.#parent, `draft-${this.#serial++}`);
    await writeFile(draft, text);
    await rename(draft, join(this.folder, file));
  }

  async delete(file: string): Promise<void> {
    await rm(join(this.folder, file), { force: true });
  }

  /** The whole directory goes, as when a volume is unmounted. */
  async vanish(): Promise<void> {
    await rename(this.folder, join(this.#parent, 'elsewhere'));
  }

  async return(): Promise<void> {
    await rename(join(this.#parent, 'elsewhere'), this.folder);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#parent, { recursive: true, force: true });
  }
}

export async function createManifests(): Promise<Manifests> {
  const manifests = new Manifests(await mkdtemp(join(tmpdir(), 'detour-world-')));
  await mkdir(manifests.folder);
  return manifests;
}

function fileOf(kind: string, of: { readonly namespace: string; readonly name: string }): string {
  return `${kind.toLowerCase()}-${of.namespace}-${of.name}.yaml`;
}
