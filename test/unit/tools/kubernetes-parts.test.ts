/** tools/kubernetes: where a part is looked for, who builds, and what a machine without Go is told. */
import { chmod, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { getPart } from '../../../tools/kubernetes/build-part.ts';
import { findPart } from '../../../tools/kubernetes/find-part.ts';
import { holdLock } from '../../../tools/kubernetes/hold-lock.ts';
import type { KubernetesPart } from '../../../tools/kubernetes/parts.ts';

interface Machine extends AsyncDisposable {
  readonly folder: string;
  readonly part: KubernetesPart;
}

/** A folder with a part that could be built into it. */
async function machine(): Promise<Machine> {
  const folder = await mkdtemp(join(tmpdir(), 'detour-parts-'));
  const part: KubernetesPart = {
    name: 'etcd',
    version: '3.6.1',
    package: 'example.test/etcd',
    moduleFolder: folder,
    linkerFlags: '-s',
    accepted: /^etcd 3\.6\./m,
    isAsset: true,
    minutes: 1,
    cached: join(folder, 'cache', 'etcd-3.6.1', 'etcd'),
  };
  return { folder, part, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

async function program(folder: string, name: string, script: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, name);
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

test('a part is taken from KUBEBUILDER_ASSETS, then from the PATH if its version fits, then from the cache', async () => {
  await using here = await machine();
  const { folder, part } = here;
  expect(await findPart(part, { assets: undefined, path: folder })).toBeUndefined();
  await program(join(folder, 'old'), 'etcd', 'echo etcd 3.5.1');
  const cached = await program(join(folder, 'cache', 'etcd-3.6.1'), 'etcd', '');
  expect(await findPart(part, { assets: undefined, path: join(folder, 'old') })).toBe(cached);
  const onPath = await program(join(folder, 'new'), 'etcd', 'echo etcd 3.6.9');
  const path = `${join(folder, 'old')}:${join(folder, 'new')}`;
  expect(await findPart(part, { assets: undefined, path })).toBe(onPath);
  expect(await findPart(part, { assets: join(folder, 'old'), path })).toBe(join(folder, 'old', 'etcd'));
  await expect(findPart(part, { assets: folder, path })).rejects.toThrow(/which holds no program etcd/);
  expect(await findPart({ ...part, isAsset: false }, { assets: folder, path })).toBe(onPath);
});

test('several that need a part at once get it from one build', async () => {
  await using here = await machine();
  const { folder, part } = here;
  const oldPath = process.env['PATH'];
  await program(join(folder, 'bin'), 'go', BUILDER.replaceAll('CALLS', join(folder, 'calls')));
  process.env['PATH'] = `${join(folder, 'bin')}:${oldPath}`;
  try {
    const get = (): Promise<string> => getPart(part, { assets: undefined, path: '', progress: () => undefined });
    expect(await Promise.all([get(), get(), get()])).toEqual([part.cached, part.cached, part.cached]);
  } finally {
    process.env['PATH'] = oldPath;
  }
  expect(await readdir(join(folder, 'calls'))).toHaveLength(1);
  expect(await readdir(join(folder, 'cache'))).toEqual(['etcd-3.6.1']);
  expect(await readdir(join(folder, 'cache', 'etcd-3.6.1'))).toEqual(['etcd']);
});

/** Writes the program to what follows `-o`. */
const BUILDER = `
mkdir -p CALLS && touch "CALLS/$$"
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho etcd 3.6.1\\n' > "$2" && chmod +x "$2"
`;

test('a build that fails says why, what to install, and leaves nothing', async () => {
  await using here = await machine();
  const { folder, part } = here;
  const oldPath = process.env['PATH'];
  await program(join(folder, 'bin'), 'go', 'echo "no such module" >&2; exit 1');
  process.env['PATH'] = `${join(folder, 'bin')}:${oldPath}`;
  try {
    const built = getPart(part, { assets: undefined, path: '', progress: () => undefined });
    await expect(built).rejects.toThrow(/^No etcd was found.*go build ended with 1:\nno such module\nInstall.*Go 1\.26/s);
  } finally {
    process.env['PATH'] = oldPath;
  }
  expect(await readdir(join(folder, 'cache', 'etcd-3.6.1'))).toEqual([]);
});

test('a lock that nobody touches any more is taken over', async () => {
  await using here = await machine();
  const file = join(here.folder, 'lock');
  await writeFile(file, '1\n');
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(file, longAgo, longAgo);
  const waited: number[] = [];
  await using _lock = await holdLock(file, { waiting: (seconds) => waited.push(seconds) });
  expect(waited.length).toBeLessThanOrEqual(1);
  const stop = AbortSignal.timeout(50);
  await expect(holdLock(file, { waiting: () => undefined, signal: stop })).rejects.toThrow(/abort/);
});
