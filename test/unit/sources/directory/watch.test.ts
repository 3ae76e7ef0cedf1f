import { mkdir, mkdtemp, rename, rm, symlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { directorySource, FOLLOW_TIMES } from '../../../../src/sources/directory/watch.ts';
import type { SourceBatch } from '../../../../src/sources/source.ts';
import { until } from '../../../support/until.ts';

const service = (name: string, port = 80) =>
  `apiVersion: v1\nkind: Service\nmetadata: { name: ${name}, namespace: shop }\nspec: { ports: [{ port: ${port} }] }\n`;

/** Longer than in earnest: a busy machine must not take the second look before the test has written. */
const SETTLE = 200;

/** A temporary directory that is followed; polling is off, so that only events speak. */
class Followed implements AsyncDisposable {
  readonly path: string;
  readonly batches: SourceBatch[] = [];
  readonly #parent: string;
  readonly #following: Disposable;

  constructor(parent: string, poll: number) {
    this.#parent = parent;
    this.path = join(parent, 'manifests');
    const times = { ...FOLLOW_TIMES, settle: SETTLE, poll, refill: 2 * SETTLE };
    this.#following = directorySource(this.path, () => 1, times).follow((batch) => this.batches.push(batch));
  }

  get last(): SourceBatch | undefined {
    return this.batches.at(-1);
  }

  /** What all batches together say: name → port. */
  get services(): Readonly<Record<string, number>> {
    const all = new Map<string, number>();
    for (const change of this.batches.flatMap(({ changes }) => changes)) {
      if (change.kind !== 'service') continue;
      if (change.object === undefined) all.delete(change.key);
      else all.set(change.key, change.object.ports[0]?.port ?? 0);
    }
    return Object.fromEntries([...all].sort());
  }

  get codes(): readonly string[] {
    return this.last?.problems.map(({ code }) => code) ?? [];
  }

  write(file: string, text: string): Promise<void> {
    return writeFile(join(this.path, file), text);
  }

  async expect(services: Readonly<Record<string, number>>): Promise<void> {
    await until(
      `the Services ${JSON.stringify(services)}`,
      () => JSON.stringify(this.services) === JSON.stringify(services),
      5_000,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#following[Symbol.dispose]();
    await rm(this.#parent, { recursive: true, force: true });
  }
}

async function follow(files: Readonly<Record<string, string>>, poll = 3_600_000): Promise<Followed> {
  const parent = await mkdtemp(join(tmpdir(), 'detour-source-'));
  await mkdir(join(parent, 'manifests'));
  for (const [file, text] of Object.entries(files)) await writeFile(join(parent, 'manifests', file), text);
  const followed = new Followed(parent, poll);
  await until('the first sync', () => followed.last?.synced);
  return followed;
}

describe('a followed directory', () => {
  test('gives all its files in one batch, in folders below and behind links too, but not hidden ones', async () => {
    await using followed = await follow({
      'a.yaml': service('a'),
      'b.yml': service('b'),
      'c.json': '',
      'd.txt': service('d'),
      '.e.yaml': service('e'),
    });
    expect(followed.batches).toHaveLength(1);
    await followed.expect({ 'shop/a': 80, 'shop/b': 80 });
    await mkdir(join(followed.path, 'sub', 'sub'), { recursive: true });
    await followed.write('sub/sub/f.yaml', service('f'));
    await followed.expect({ 'shop/a': 80, 'shop/b': 80, 'shop/f': 80 });
    await mkdir(join(followed.path, '..data'));
    await followed.write('..data/g.yaml', service('g'));
    await symlink(join('..data', 'g.yaml'), join(followed.path, 'g.yaml'));
    await followed.expect({ 'shop/a': 80, 'shop/b': 80, 'shop/f': 80, 'shop/g': 80 });
  });

  test('tells an edit, an addition and a removal, each once and nothing else', async () => {
    await using followed = await follow({ 'a.yaml': service('a'), 'b.yaml': service('b') });
    await followed.write('a.yaml', service('a', 81));
    await followed.expect({ 'shop/a': 81, 'shop/b': 80 });
    await followed.write('c.yaml', service('c'));
    await followed.expect({ 'shop/a': 81, 'shop/b': 80, 'shop/c': 80 });
    await unlink(join(followed.path, 'b.yaml'));
    await followed.expect({ 'shop/a': 81, 'shop/c': 80 });
    expect(followed.batches.map(({ changes }) => changes.map(({ key }) => key))).toEqual([
      ['shop/a', 'shop/b'],
      ['shop/a'],
      ['shop/c'],
      ['shop/b'],
    ]);
  });

  test('sees two edits of the same size within one tick of the file system', async () => {
    await using followed = await follow({ 'a.yaml': service('a') });
    for (let port = 100; port < 150; port += 1) {
      await followed.write('a.yaml', service('a', port));
      await followed.expect({ 'shop/a': port });
    }
  });

  test('sees an edit by renaming over, as editors save', async () => {
    await using followed = await follow({ 'a.yaml': service('a') });
    for (const port of [81, 82, 83]) {
      await followed.write('.a.yaml.swp', service('a', port));
      await rename(join(followed.path, '.a.yaml.swp'), join(followed.path, 'a.yaml'));
      await followed.expect({ 'shop/a': port });
    }
    expect(followed.batches).toHaveLength(4);
  });

  test('does not believe that objects are gone while a file is empty, away or half written for a moment', async () => {
    await using followed = await follow({ 'a.yaml': `${service('a')}---\n${service('b')}` });
    await truncate(join(followed.path, 'a.yaml'));
    await new Promise((resolve) => setTimeout(resolve, SETTLE / 10));
    await followed.write('a.yaml', `${service('a', 81)}---\n${service('b')}`);
    await followed.expect({ 'shop/a': 81, 'shop/b': 80 });
    await rename(join(followed.path, 'a.yaml'), join(followed.path, 'a.yaml~'));
    await new Promise((resolve) => setTimeout(resolve, SETTLE / 10));
    await followed.write('a.yaml', `${service('a', 82)}---\n${service('b')}`);
    await followed.expect({ 'shop/a': 82, 'shop/b': 80 });
    expect(followed.batches.flatMap(({ changes }) => changes).every(({ object }) => object !== undefined)).toBe(true);
  });

  test('that has a file renamed keeps its objects without a gap', async () => {
    await using followed = await follow({ 'b.yaml': service('a') });
    await rename(join(followed.path, 'b.yaml'), join(followed.path, 'c.yaml'));
    await followed.write('d.yaml', service('d'));
    await followed.expect({ 'shop/a': 80, 'shop/d': 80 });
    await unlink(join(followed.path, 'c.yaml'));
    await followed.expect({ 'shop/d': 80 });
    expect(
      followed.batches.flatMap(({ changes }) =>
        changes.map(({ key, object }) => `${key} ${object === undefined ? 'gone' : 'there'}`),
      ),
    ).toEqual(['shop/a there', 'shop/d there', 'shop/a gone']);
  });

  test('goes on serving what a file said before it broke, and takes its good documents', async () => {
    await using followed = await follow({ 'a.yaml': `${service('a')}---\n${service('b')}`, 'z.yaml': service('z') });
    await followed.write('a.yaml', `${service('a', 81)}---\n${service('b').replace('name: b', 'name: "b')}`);
    await until('the problem', () => followed.codes.includes('InvalidObject'));
    await followed.expect({ 'shop/a': 81, 'shop/b': 80, 'shop/z': 80 });
    await followed.write('a.yaml', '}{');
    await until('the other problem', () => followed.last?.problems[0]?.message.includes('a.yaml: '));
    await followed.expect({ 'shop/a': 81, 'shop/b': 80, 'shop/z': 80 });
    await followed.write('a.yaml', service('b', 82));
    await followed.expect({ 'shop/b': 82, 'shop/z': 80 });
    expect(followed.codes).toEqual([]);
  });

  test('lets the first file by name win an object that two declare', async () => {
    await using followed = await follow({ 'b.yaml': service('a', 2), 'c.yaml': service('a', 3) });
    await followed.expect({ 'shop/a': 2 });
    expect(followed.last?.problems).toMatchObject([{ code: 'DuplicateObject', subject: { kind: 'File', key: 'c.yaml' } }]);
    await followed.write('a.yaml', service('a', 1));
    await followed.expect({ 'shop/a': 1 });
    expect(followed.last?.problems.map(({ subject }) => subject.key)).toEqual(['b.yaml', 'c.yaml']);
    await unlink(join(followed.path, 'a.yaml'));
    await followed.expect({ 'shop/a': 2 });
    await unlink(join(followed.path, 'c.yaml'));
    await until('no problem', () => followed.codes.length === 0);
  });

  test('is missed when it vanishes, its last state holds; when it returns only the difference is told', async () => {
    await using followed = await follow({ 'a.yaml': service('a'), 'b.yaml': service('b') });
    await rm(followed.path, { recursive: true });
    await until('the trouble', () => followed.last?.trouble);
    expect(followed.last?.synced).toBe(true);
    expect(followed.codes).toEqual(['SourceUnavailable']);
    expect(followed.services).toEqual({ 'shop/a': 80, 'shop/b': 80 });
    await mkdir(followed.path);
    await until('the end of the trouble', () => followed.last?.trouble === undefined);
    await followed.write('a.yaml', service('a', 81));
    await followed.expect({ 'shop/a': 81 });
    expect(followed.codes).toEqual([]);
    await followed.write('a.yaml', service('a', 82));
    await followed.expect({ 'shop/a': 82 });
    expect(followed.batches.filter(({ changes }) => changes.some(({ key }) => key === 'shop/b'))).toHaveLength(2);
  });

  test('that is replaced by another of its name is followed there', async () => {
    await using followed = await follow({ 'a.yaml': service('a') });
    await mkdir(`${followed.path}.new`);
    await writeFile(join(`${followed.path}.new`, 'a.yaml'), service('a', 81));
    await rename(followed.path, `${followed.path}.old`);
    await rename(`${followed.path}.new`, followed.path);
    await followed.expect({ 'shop/a': 81 });
    await followed.write('a.yaml', service('a', 82));
    await followed.expect({ 'shop/a': 82 });
  });

  test('is not synced before it was there once, nor where the path is a file', async () => {
    const parent = await mkdtemp(join(tmpdir(), 'detour-source-'));
    await writeFile(join(parent, 'manifests'), 'x');
    await using followed = new Followed(parent, 3_600_000);
    await until('the trouble', () => followed.last?.trouble);
    expect(followed.last).toMatchObject({ synced: false, changes: [] });
    await unlink(join(parent, 'manifests'));
    await mkdir(join(parent, 'manifests'));
    await until('the sync', () => followed.last?.synced);
  });

  test('is looked at without an event too, now and then', async () => {
    await using followed = await follow({}, 50);
    // Nobody watches a hidden folder: an edit in place there makes no event.
    await mkdir(join(followed.path, '..data'));
    await followed.write('..data/a.yaml', service('a'));
    await symlink(join('..data', 'a.yaml'), join(followed.path, 'a.yaml'));
    await followed.expect({ 'shop/a': 80 });
    await followed.write('..data/a.yaml', service('a', 81));
    await followed.expect({ 'shop/a': 81 });
  });
});

test('a file of more than 64 MB is not read, and said to be too large; the others are', async () => {
  await using followed = await follow({ 'a.yaml': service('api') });
  await followed.expect({ 'shop/api': 80 });
  await followed.write('large.yaml', '');
  // Takes no room on the disk.
  await truncate(join(followed.path, 'large.yaml'), 64 * 1024 * 1024 + 1);
  await until('the problem', () => followed.last?.problems[0]?.message.includes('is larger than 67108864 bytes'));
  await followed.expect({ 'shop/api': 80 });
});
