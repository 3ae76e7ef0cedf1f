/** tools/setup.mjs in a small project of its own, with an `npm` that only writes down what npm would. */
import { execFile } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const setup = new URL('../../../tools/setup.mjs', import.meta.url);

const NPM = `#!/bin/sh
echo "ran npm $*"
echo npm >> calls
mkdir -p node_modules/.bin
cp package-lock.json node_modules/.package-lock.json
ln -sf "$REAL_NODE" node_modules/.bin/node
`;
const GENERATOR = `import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
appendFileSync('calls', 'gen\\n');
mkdirSync('src/generated', { recursive: true });
for (const name of ['envoy.json', 'envoy.d.ts']) writeFileSync('src/generated/' + name, '');
`;

class Project implements AsyncDisposable {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /** What set-up says on standard error and output. */
  async setUp(): Promise<{ readonly stdout: string; readonly stderr: string }> {
    const env = { ...process.env, PATH: `${join(this.folder, 'path')}:${process.env['PATH']}`, REAL_NODE: process.execPath };
    return run(process.execPath, [join(this.folder, 'tools', 'setup.mjs')], { env, cwd: tmpdir() });
  }

  async calls(): Promise<string[]> {
    return (await readFile(join(this.folder, 'calls'), 'utf8')).trim().split('\n');
  }

  lock(version: string): Promise<void> {
    const packages = { '': {}, 'node_modules/a': { version }, 'node_modules/elsewhere': { version: '1.0.0', optional: true } };
    return writeFile(join(this.folder, 'package-lock.json'), JSON.stringify({ packages }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function project(): Promise<Project> {
  const made = new Project(await mkdtemp(join(tmpdir(), 'detour-setup-')));
  for (const name of ['tools', 'path']) await mkdir(join(made.folder, name));
  await cp(setup, join(made.folder, 'tools', 'setup.mjs'));
  await writeFile(join(made.folder, 'tools', 'gen-protos.ts'), GENERATOR);
  await writeFile(join(made.folder, 'path', 'npm'), NPM);
  await chmod(join(made.folder, 'path', 'npm'), 0o755);
  await made.lock('1.0.0');
  return made;
}

test('a fresh clone gets packages and generated files, and says so on standard error only', async () => {
  await using clone = await project();
  const { stdout, stderr } = await clone.setUp();
  expect(stdout).toBe('');
  expect(stderr).toContain('installing packages (npm ci)…');
  expect(stderr).toContain('ran npm ci');
  expect(await clone.calls()).toEqual(['npm', 'gen']);
});

test('a project that is set up is left alone, without a word', async () => {
  await using clone = await project();
  await clone.setUp();
  expect(await clone.setUp()).toEqual({ stdout: '', stderr: '' });
  expect(await clone.calls()).toEqual(['npm', 'gen']);
});

test('another lockfile installs again, a changed generator generates again', async () => {
  await using clone = await project();
  await clone.setUp();
  await clone.lock('1.0.1');
  await clone.setUp();
  expect(await clone.calls()).toEqual(['npm', 'gen', 'npm']);
  await writeFile(join(clone.folder, 'tools', 'gen-protos.ts'), `${GENERATOR}// changed\n`);
  await clone.setUp();
  expect(await clone.calls()).toEqual(['npm', 'gen', 'npm', 'gen']);
});

test('two commands that start at once set up once', async () => {
  await using clone = await project();
  await Promise.all([clone.setUp(), clone.setUp(), clone.setUp()]);
  expect(await clone.calls()).toEqual(['npm', 'gen']);
});

test('a set-up that was killed does not block the next one', async () => {
  await using clone = await project();
  await mkdir(join(clone.folder, '.detour'));
  const { stdout } = await run(process.execPath, ['-p', 'process.pid']);
  await writeFile(join(clone.folder, '.detour', 'setup.lock'), stdout.trim());
  await clone.setUp();
  expect(await clone.calls()).toEqual(['npm', 'gen']);
});

test('a failing npm is told, with exit code 1', async () => {
  await using clone = await project();
  await writeFile(join(clone.folder, 'path', 'npm'), '#!/bin/sh\nexit 3\n');
  await expect(clone.setUp()).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('`npm ci') });
});

test('links: bin/detour is found through a chain of them', async () => {
  await using clone = await project();
  await mkdir(join(clone.folder, 'bin'));
  await mkdir(join(clone.folder, 'src'));
  for (const name of ['bin/detour', 'tools/run'])
    await cp(new URL(`../../../${name}`, import.meta.url), join(clone.folder, name));
  await writeFile(join(clone.folder, 'src', 'main.ts'), 'console.log(process.argv.slice(2).join()); process.exitCode = 7;');
  await symlink('../bin/detour', join(clone.folder, 'path', 'one'));
  await symlink(join(clone.folder, 'path', 'one'), join(clone.folder, 'path', 'two'));
  await clone.setUp();
  await expect(run(join(clone.folder, 'path', 'two'), ['a', 'b c'], { cwd: tmpdir() })).rejects.toMatchObject({
    code: 7,
    stdout: 'a,b c\n',
    stderr: '',
  });
});
