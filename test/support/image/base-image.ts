/**
 * A stand-in for `node:24-slim` where no registry can be asked: this machine's Node, npm and C library in the places
 * where that image has them, and of its commands those that the Dockerfile runs.
 */
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const COMMANDS = ['/bin/sh', '/bin/rm', '/usr/bin/env'];
/** What the Dockerfile would install, where it is not there. */
const IPTABLES = ['iptables', 'ip6tables'].flatMap((name) =>
  ['-nft', '-nft-save', '-nft-restore', '-legacy', '-legacy-save', '-legacy-restore'].map((kind) => `/usr/sbin/${name}${kind}`),
);
/** Of the C library, what nothing above loads: native parts of packages may. */
const LIBRARIES = ['librt.so.1', 'libutil.so.1', 'libresolv.so.2'];
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

/** Fills the folder with the root of a file system. */
export async function writeBaseImage(folder: string): Promise<void> {
  for (const path of ['tmp', 'root', 'proc', 'sys', 'dev', 'etc', 'usr/local/bin', 'usr/local/lib/node_modules', 'usr/local/etc'])
    await mkdir(join(folder, path), { recursive: true });
  await copyProgram(folder, process.execPath, '/usr/local/bin/node');
  for (const command of [...COMMANDS, ...IPTABLES]) await copyProgram(folder, await realpath(command), command);
  for (const library of LIBRARIES) await copyLibrary(folder, library);
  await copyMatches(folder);
  // bin/npm is a link to npm/bin/npm-cli.js, wherever npm lies.
  const npm = dirname(dirname(await realpath(await outputOf('sh', ['-c', 'command -v npm']))));
  await cp(npm, join(folder, 'usr/local/lib/node_modules/npm'), { recursive: true });
  await symlink('../lib/node_modules/npm/bin/npm-cli.js', join(folder, 'usr/local/bin/npm'));
  await writeFile(join(folder, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/tmp:/bin/sh\n');
  await writeNpmSettings(folder);
}

async function copyLibrary(folder: string, name: string): Promise<void> {
  const path = await outputOf('sh', ['-c', `ldconfig -p | grep -o "/.*/${name}" | head -1`]);
  await mkdir(join(folder, dirname(path)), { recursive: true });
  await cp(await realpath(path), join(folder, path));
}

/** iptables loads what its rules name from a folder of its own. */
async function copyMatches(folder: string): Promise<void> {
  const library = await outputOf('sh', ['-c', 'ldconfig -p | grep -o "/.*/libxtables.so[^ ]*" | head -1']);
  const matches = join(dirname(await realpath(library)), 'xtables');
  await cp(matches, join(folder, matches), { recursive: true });
}

/** The registry of this machine, and the CA that it is trusted by. */
async function writeNpmSettings(folder: string): Promise<void> {
  const [registry, ca] = await Promise.all(['registry', 'cafile'].map((name) => outputOf('npm', ['config', 'get', name])));
  const settings = [`registry=${registry}`, 'prefer-offline=true', 'update-notifier=false'];
  if (ca !== undefined && ca !== 'null') {
    await mkdir(join(folder, dirname(CERTIFICATES)), { recursive: true });
    await writeFile(join(folder, CERTIFICATES), await readFile(ca));
    settings.push(`cafile=${CERTIFICATES}`);
  }
  await writeFile(join(folder, 'usr/local/etc/npmrc'), `${settings.join('\n')}\n`);
}

/** The program at the place given, and the libraries that it loads at the places where it looks for them. */
async function copyProgram(folder: string, program: string, place: string): Promise<void> {
  const libraries = [...(await outputOf('ldd', [program])).matchAll(/(?:=> )?(?<path>\/\S+) \(0x/g)].map(
    (match) => match.groups?.['path'],
  );
  for (const [from, to] of [[program, place], ...libraries.map((path) => [path, path])]) {
    if (from === undefined || to === undefined) continue;
    await mkdir(join(folder, dirname(to)), { recursive: true });
    await cp(await realpath(from), join(folder, to));
  }
}

async function outputOf(command: string, args: readonly string[]): Promise<string> {
  return (await run(command, args)).stdout.trim();
}
