/**
 * Sets up a checkout: packages, then the generated descriptors, each only when missing or out of date. Runs before
 * anything is installed, so it is plain JavaScript for Node 20 without dependencies. Speaks on standard error only, and
 * not at all when there is nothing to do (which takes a few milliseconds).
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (/** @type {string[]} */ ...path) => join(root, ...path);
const node = at('node_modules', '.bin', 'node');
const generated = ['envoy.json', 'envoy.d.ts'].map((name) => at('src', 'generated', name));
const stamp = at('src', 'generated', '.inputs');
const lock = at('.detour', 'setup.lock');

/** @param {string} file */
function packagesOf(file) {
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')).packages ?? {}) : {};
}

/** npm writes down what it installed when it has finished; that is compared, since times of files change by checkouts. */
function packagesAreCurrent() {
  if (!existsSync(node)) return false;
  const installed = packagesOf(at('node_modules', '.package-lock.json'));
  return Object.entries(packagesOf(at('package-lock.json'))).every(
    ([path, entry]) => path === '' || entry.optional === true || installed[path]?.version === entry.version,
  );
}

/** One hash of everything that the generated files are made from. */
function inputsOfGenerated() {
  const hash = createHash('sha256');
  const locked = packagesOf(at('package-lock.json'));
  for (const name of ['@grpc/grpc-js-xds', 'protobufjs']) hash.update(`${name}@${locked[`node_modules/${name}`]?.version}\n`);
  const tools = readdirSync(at('tools')).filter((name) => /^(gen-)?proto.*\.ts$/.test(name));
  const own = existsSync(at('proto')) ? readdirSync(at('proto'), { recursive: true, encoding: 'utf8' }) : [];
  const files = [...tools.map((name) => at('tools', name)), ...own.map((name) => at('proto', name))];
  for (const file of files.sort()) {
    if (statSync(file).isFile()) hash.update(`${file.slice(root.length)}\n`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

/** @param {string} inputs */
function generatedIsCurrent(inputs) {
  return generated.every((file) => existsSync(file)) && existsSync(stamp) && readFileSync(stamp, 'utf8') === inputs;
}

/**
 * @param {string} what
 * @param {string} command
 * @param {string[]} args
 */
function step(what, command, args) {
  const started = Date.now();
  process.stderr.write(`Setting up: ${what}…\n`);
  // npm must not run on the Node inside the folder that it replaces.
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.endsWith(join('node_modules', '.bin')));
  const result = spawnSync(command, args, {
    cwd: root,
    // What a command says goes to standard error, so that `detour envoy > file` stays clean.
    stdio: ['ignore', 2, 2],
    env: { ...process.env, PATH: path.join(delimiter) },
  });
  if (result.error !== undefined) throw new Error(`${what} failed: ${command} could not be run (${result.error.message}).`);
  if (result.status !== 0)
    throw new Error(`${what} failed: \`${[command, ...args].join(' ')}\` ended with ${result.status ?? result.signal}.`);
  process.stderr.write(`Setting up: ${what}: done in ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
}

/** Holds the lock while `work` runs: two commands that start at once set up once. */
function alone(/** @type {() => void} */ work) {
  mkdirSync(at('.detour'), { recursive: true });
  for (let told = false; ; ) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const holder = lockHolder();
    if (holder === 'dead') rmSync(lock, { force: true });
    else if (!told) {
      told = true;
      process.stderr.write(`Setting up: waiting for another command that does (process ${holder}, ${lock})…\n`);
    }
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  }
  try {
    work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Its process id, or `dead` when it ended without letting go. */
function lockHolder() {
  try {
    const pid = Number(readFileSync(lock, 'utf8'));
    // Made, but its id not yet written: a moment's matter, unless that process was killed just then.
    if (pid === 0) return Date.now() - statSync(lock).mtimeMs > 5000 ? 'dead' : 0;
    return isAlive(pid) ? pid : 'dead';
  } catch {
    return 0;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function setUp() {
  if (packagesAreCurrent() && generatedIsCurrent(inputsOfGenerated())) return;
  alone(() => {
    if (!packagesAreCurrent()) {
      step('installing packages (npm ci)', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
      if (!existsSync(node))
        throw new Error('npm installed no Node of the project: are install scripts switched off (ignore-scripts)?');
    }
    const inputs = inputsOfGenerated();
    if (!generatedIsCurrent(inputs)) {
      step("generating the descriptors of Envoy's messages", node, [at('tools', 'gen-protos.ts')]);
      writeFileSync(stamp, inputs);
    }
  });
}

try {
  setUp();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
