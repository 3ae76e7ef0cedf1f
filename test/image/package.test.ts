/** The built package: packed, installed into an empty folder, and used there. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientProgram } from '../support/cluster/kubectl.ts';
import { envoyBinary } from '../support/envoy.ts';
import { type InstalledPackage, installPackage } from '../support/package/installed-package.ts';
import { until } from '../support/until.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const { version, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

let installed: InstalledPackage;

beforeAll(async () => {
  installed = await installPackage();
}, 180_000);
afterAll(() => installed[Symbol.asyncDispose]());

/** A file of dist/, as text. */
function builtFile(name: string): string {
  return readFileSync(join(installed.folder, 'node_modules', 'detour', 'dist', name), 'utf8');
}

/** What a file was built of: paths from the package's own folder. */
function sourcesOf(name: string): readonly string[] {
  const { sources }: { readonly sources: readonly string[] } = JSON.parse(builtFile(`${name}.map`));
  return sources.map((path) => join('dist', dirname(name), path));
}

/** What the files were built of: sources of the project, and the packages that are built in. */
function origins(): { readonly sources: readonly string[]; readonly packages: readonly string[] } {
  const maps = installed.files.filter((path) => path.endsWith('.js.map'));
  const all = maps.flatMap((path) => sourcesOf(path.replace(/^dist\/(.*)\.map$/, '$1')));
  const packages = all.flatMap((path) => /(?:^|\/)node_modules\/(?<name>(@[^/]+\/)?[^/]+)\//.exec(path)?.groups?.['name'] ?? []);
  return { sources: all.filter((path) => path.startsWith('src/')), packages: [...new Set(packages)] };
}

/** What the files are built of that a command may load, at once or later. */
function sourcesLoadedBy(command: string): readonly string[] {
  const first = installed.files.filter((path) => new RegExp(`^dist/${command}-[^/.]*\\.js$`).test(path));
  const files = new Set(first.map((path) => path.slice('dist/'.length)));
  for (const file of files)
    for (const { groups } of builtFile(file).matchAll(/(?:from |import\()"\.\/(?<to>[^"]*)"/g)) files.add(groups?.['to'] ?? '');
  return [...files].flatMap((file) =>
    existsSync(join(installed.folder, 'node_modules', 'detour', 'dist', `${file}.map`)) ? sourcesOf(file) : [],
  );
}

test('it holds what was built, and of the project what that reads: no source, no test, no tool', () => {
  const kinds = new Set(installed.files.map((path) => path.replace(/^(bin|dist|envoy)\/.*/, '$1')));
  expect([...kinds].sort()).toEqual(['CHANGELOG.md', 'LICENSE', 'README.md', 'bin', 'dist', 'envoy', 'package.json']);
  expect(installed.files.filter((path) => path.endsWith('.ts'))).toEqual([]);
  expect(installed.files).toContain('dist/generated/envoy.json');
  // Each file that was built says which sources it is of; of packages, the licenses are there.
  const { sources, packages } = origins();
  expect(sources.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  expect(sources).toEqual(expect.arrayContaining(['src/main.ts', 'src/app.ts', 'src/xds/xds.ts', 'src/cli/demo/shop-app.ts']));
  const licenses = readFileSync(join(installed.folder, 'node_modules', 'detour', 'dist', 'LICENSES.txt'), 'utf8');
  expect(packages).toEqual(expect.arrayContaining(['pino', 're2js', '@prometheus-io/client']));
  for (const name of packages) expect(licenses).toMatch(new RegExp(`^${name} [0-9.]+ \\([A-Z][^)]+\\)\n\n.{10}`, 'm'));
  expect(licenses).toContain('Permission is hereby granted, free of charge');
});

test('it needs no other package, and what `serve` loads is not what other commands need', () => {
  expect(readdirSync(join(installed.folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['detour']);
  const loaded = sourcesLoadedBy('serve');
  expect(loaded).toContain('src/xds/xds.ts');
  expect(loaded.filter((path) => path.startsWith('src/cli/demo/') || path.startsWith('src/cli/create'))).toEqual([]);
});

test('what package.json names is there, and every import of a file leads to one', () => {
  for (const path of Object.values<string>(bin)) expect(installed.files).toContain(path);
  const folder = join(installed.folder, 'node_modules', 'detour');
  const missing = installed.files
    .filter((path) => path.endsWith('.js'))
    .flatMap((path) =>
      [...readFileSync(join(folder, path), 'utf8').matchAll(/(?:from |import\()["'](?<to>\.[^"']*)["']/g)]
        .map(({ groups }) => join(dirname(path), groups?.['to'] ?? ''))
        .filter((target) => !existsSync(join(folder, target))),
    );
  expect(missing).toEqual([]);
});

test('its command runs: version, help, a bootstrap, and through links', async () => {
  expect(await installed.detour('--version')).toBe(`detour ${version}\n`);
  expect(await installed.detour('help')).toContain('Usage: detour COMMAND');
  expect(await installed.detour('envoy', '--role', 'gateway', '--node', 'shop/edge', '--listen', '0.0.0.0:80')).toContain(
    'gateway~shop/edge',
  );
  const link = join(installed.folder, 'linked');
  await symlink(installed.command, link);
  expect(await installed.run(link, '--version')).toBe(`detour ${version}\n`);
});

test('kubectl finds it, its help speaks of `kubectl detour`, and kubectl completes it', async () => {
  const kubectl = await clientProgram('kubectl');
  expect(await installed.run(kubectl, 'detour', '--version')).toBe(`detour ${version}\n`);
  expect(await installed.run(kubectl, 'detour', 'list', '--help')).toContain('\nUsage: kubectl detour list [KEY] [FLAG]…\n');
  const complete = async (...words: readonly string[]) =>
    (await installed.run(kubectl, '__complete', 'detour', ...words)).split('\n');
  const commands = await complete('li');
  expect(commands.map((line) => line.replace(/\t.*/, ''))).toEqual(['list', 'lint', ':4', '']);
  expect(commands[0]).toMatch(/\t\S/);
  expect(await complete('list', '-n', 'shop', '-o', 'w')).toEqual(['wide', ':4', '']);
  expect(await complete('lint', '')).toEqual([':0', '']);
});

test('it serves a directory', async () => {
  const data = join(installed.folder, 'manifests');
  await mkdir(data);
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'api', namespace: 'shop' },
    spec: { ports: [{ port: 80 }] },
  };
  await writeFile(join(data, 'api.json'), JSON.stringify(service));
  const listen = ['--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'];
  await using serve = installed.start('serve', '--source', `directory:${data}`, ...listen);
  const url = await until('its address', () => /admin on (?<url>\S+)/.exec(serve.output)?.groups?.['url']);
  await until('/readyz to answer', async () => (await (await fetch(`${url}/readyz`)).text()) === 'ok\n');
  expect(await serve.stop(), serve.output).toBe(0);
});

test('its demo finds all of its parts, and every row is as it should be', async () => {
  // Told where Envoy is: nothing has to be fetched.
  process.env['ENVOY_BIN'] ??= await envoyBinary();
  expect(await installed.detour('demo', '--once')).toContain('x-detour: pr-42');
}, 90_000);
