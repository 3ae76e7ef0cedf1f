/**
 * `npm test`: every check and every test, in one command. `tools/run tools/test.ts NAME…` runs the named ones only.
 * The last line is `N passed, N failed`: each check counts as one, each test as one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { findEnvoy } from '../src/cli/envoy-binary.ts';
import { type Tally, tally, type VitestReport } from './tally.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const reports = join(root, '.detour', 'test');
/** Longer than any step takes on a slow machine: a step that hangs ends, and counts as failed. */
const STEP_LIMIT_MS = 20 * 60_000;
/** Compiling a whole Kubernetes, once, on a slow machine. */
const BUILD_LIMIT_MS = 55 * 60_000;

let running: ChildProcess | undefined;
let stopping = false;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a script with this Node. `shown`: what it prints appears as it comes, else only in the result. */
function runNode(args: readonly string[], shown: boolean, limitMs = STEP_LIMIT_MS): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const out = shown ? 'inherit' : 'pipe';
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', out, out], timeout: limitMs });
    running = child;
    let output = '';
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout?.on('data', collect);
    child.stderr?.on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

interface Step {
  readonly name: string;
  readonly run: () => Promise<Tally>;
}

function one(ok: boolean, failure: string): Tally {
  return ok ? { passed: 1, failed: 0, failures: [] } : { passed: 0, failed: 1, failures: [failure] };
}

/** A check: one script, right when it ends with 0. It is quiet unless it fails. */
function check(name: string, ...args: string[]): Step {
  return {
    name,
    run: async () => {
      const { code, output } = await runNode(args, false);
      if (code !== 0) process.stdout.write(`${output.trimEnd()}\n`);
      return one(code === 0, `${name}: ended with ${code ?? 'a signal'}`);
    },
  };
}

const getEnvoy: Step = {
  name: 'get-envoy',
  run: async () => {
    try {
      const progress = (line: string): void => console.log(line);
      await findEnvoy({ override: process.env['ENVOY_BIN'], path: process.env['PATH'] ?? '', progress });
      return one(true, '');
    } catch (error) {
      return one(false, `get-envoy: ${error instanceof Error ? error.message : String(error)}`);
    }
  },
};

/** In a process of its own, which a signal ends together with the compiler. */
const getKubernetes: Step = {
  name: 'get-kubernetes',
  run: async () => {
    const { code } = await runNode([join(root, 'tools', 'kubernetes', 'get.ts')], true, BUILD_LIMIT_MS);
    return one(code === 0, `get-kubernetes: ended with ${code ?? 'a signal'}`);
  },
};

const getBuildah: Step = {
  name: 'get-buildah',
  run: async () => {
    const { code } = await runNode([join(root, 'tools', 'image', 'get.ts')], true);
    return one(code === 0, `get-buildah: ended with ${code ?? 'a signal'}`);
  },
};

/** Other clients than the Envoy that everything runs on. */
const getClients: Step = {
  name: 'get-clients',
  run: async () => {
    const { code } = await runNode([join(root, 'tools', 'clients', 'get.ts')], true);
    return one(code === 0, `get-clients: ended with ${code ?? 'a signal'}`);
  },
};

/** All tests of one folder of test/. */
function layer(name: string): Step {
  return {
    name,
    run: async () => {
      const files = globSync(`test/${name}/**/*.test.ts`, { cwd: root }).map((file) => join(root, file));
      const report = join(reports, `${name}.json`);
      rmSync(report, { force: true });
      mkdirSync(reports, { recursive: true });
      const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
      // The tests of a cluster run in a network namespace of their own.
      const within = name === 'cluster' ? [join(root, 'tools', 'in-namespace.ts')] : [];
      const { code } = await runNode([...within, vitest, 'run', `test/${name}/`, ...reporters], true);
      const read: VitestReport | undefined = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
      return tally(read, files, code);
    },
  };
}

/** Quick ones first. A folder of tests that is not named here runs last; none is left out. */
const LAYERS = ['unit', 'golden', 'protocol', 'property', 'kubernetes', 'cluster', 'envoy', 'clients', 'feature'];

function layers(): string[] {
  const found = readdirSync(join(root, 'test'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && globSync(`test/${entry.name}/**/*.test.ts`, { cwd: root }).length > 0)
    .map((entry) => entry.name);
  const place = (name: string): number => (LAYERS.includes(name) ? LAYERS.indexOf(name) : LAYERS.length);
  return found.sort((a, b) => place(a) - place(b));
}

async function main(names: readonly string[]): Promise<number> {
  const modules = join(root, 'node_modules');
  const steps = [
    check('lint', join(modules, '@biomejs', 'biome', 'bin', 'biome'), 'ci', '--colors=off', '.'),
    check('types', join(modules, 'typescript', 'bin', 'tsc'), '-p', '.'),
    check('imports', join(root, 'tools', 'check-imports.ts')),
    check('unused', join(modules, 'knip', 'bin', 'knip.js'), '--no-progress'),
    getEnvoy,
    getKubernetes,
    getBuildah,
    getClients,
    ...layers().map(layer),
  ];
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    console.error(`No such step: ${unknown.join(', ')}. There are: ${steps.map((step) => step.name).join(', ')}.`);
    return 2;
  }
  const results: { readonly name: string; readonly seconds: string; readonly result: Tally }[] = [];
  for (const step of names.length === 0 ? steps : steps.filter(({ name }) => names.includes(name))) {
    if (stopping) break;
    console.log(styleText('bold', `— ${step.name}`));
    const started = Date.now();
    const result = await step.run();
    results.push({ name: step.name, seconds: ((Date.now() - started) / 1000).toFixed(1), result });
  }
  return stopping ? 130 : summary(results);
}

function summary(results: readonly { readonly name: string; readonly seconds: string; readonly result: Tally }[]): number {
  let [passed, failed] = [0, 0];
  console.log('');
  for (const { name, seconds, result } of results) {
    const mark = result.failed === 0 ? styleText('green', 'ok    ') : styleText('red', 'FAILED');
    console.log(`${mark} ${name.padEnd(14)} ${String(result.passed).padStart(5)} passed, ${result.failed} failed  ${seconds} s`);
    for (const failure of result.failures) console.log(failure.replaceAll(`${root}/`, '').replace(/^/gm, '         '));
    passed += result.passed;
    failed += result.failed;
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stopping = true;
    running?.kill(signal);
  });
}
process.exitCode = await main(process.argv.slice(2));
