/**
 * `npm test`: every check and every test, in one command. `tools/run tools/test.ts NAME…` runs the named ones only.
 * The soak takes ten minutes, or `--soak-minutes N`; it runs beside the other steps, and what it says comes at the end.
 * The last line is `N passed, N failed`: each check counts as one, each test as one.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, styleText } from 'node:util';
import { findEnvoy } from '../src/cli/envoy-binary.ts';
import { type Tally, tally, type VitestReport } from './tally.ts';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const reports = join(root, '.detour', 'test');
/** Longer than any step takes on a slow machine: a step that hangs ends, and counts as failed. */
const STEP_LIMIT_MS = 20 * 60_000;
/** Compiling a whole Kubernetes, once, on a slow machine. */
const BUILD_LIMIT_MS = 55 * 60_000;

/** It does little, and what others do is not to wait for it. */
const SOAK = 'soak';
const SOAK_PROGRAM = ['nice', '-n', '10', process.execPath] as const;

const running = new Set<ChildProcess>();
let stopping = false;

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

interface RunOptions {
  readonly limitMs?: number;
  /** What starts Node. */
  readonly program?: readonly [string, ...string[]];
}

/** Runs a script with this Node. `shown`: what it prints appears as it comes, else only in the result. */
function runNode(args: readonly string[], shown: boolean, options: RunOptions = {}): Promise<Ended> {
  const { limitMs = STEP_LIMIT_MS, program = [process.execPath] } = options;
  const [command, ...before] = program;
  return new Promise((resolve, reject) => {
    const out = shown ? 'inherit' : 'pipe';
    const child = spawn(command, [...before, ...args], { cwd: root, stdio: ['ignore', out, out], timeout: limitMs });
    running.add(child);
    child.once('close', () => running.delete(child));
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
  /** @param isBeside runs while others do, and is quiet until it is done. */
  readonly run: (isBeside: boolean) => Promise<Tally>;
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
    const { code } = await runNode([join(root, 'tools', 'kubernetes', 'get.ts')], true, { limitMs: BUILD_LIMIT_MS });
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

/** What captures a pod's traffic. */
const getIptables: Step = {
  name: 'get-iptables',
  run: async () => {
    const { code } = await runNode([join(root, 'tools', 'pods', 'get.ts')], true);
    return one(code === 0, `get-iptables: ended with ${code ?? 'a signal'}`);
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
    run: async (isBeside) => {
      const files = globSync(`test/${name}/**/*.test.ts`, { cwd: root }).map((file) => join(root, file));
      const report = join(reports, `${name}.json`);
      rmSync(report, { force: true });
      mkdirSync(reports, { recursive: true });
      const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
      const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
      // The tests of a cluster, and those of pods, run in a network namespace of their own.
      const within = name === 'cluster' || name === 'pods' ? [join(root, 'tools', 'in-namespace.ts')] : [];
      const options = name === SOAK ? { program: SOAK_PROGRAM } : {};
      // Each file of those starts a dozen Envoys.
      const inTurn = name === 'pods' ? ['--no-file-parallelism'] : [];
      const args = [...within, vitest, 'run', `test/${name}/`, ...inTurn, ...reporters];
      const { code, output } = await runNode(args, !isBeside, options);
      if (isBeside) process.stdout.write(`${styleText('bold', `— ${name}, beside the others`)}\n${output}`);
      const read: VitestReport | undefined = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')) : undefined;
      return tally(read, files, code);
    },
  };
}

/** Quick ones first. A folder of tests that is not named here runs last; none is left out. */
const LAYERS = ['unit', 'golden', 'protocol', 'property', 'kubernetes', 'cluster', 'pods', 'envoy', 'clients', 'feature', SOAK];

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
    getIptables,
    getClients,
    ...layers().map(layer),
  ];
  const unknown = names.filter((name) => !steps.some((step) => step.name === name));
  if (unknown.length > 0) {
    console.error(`No such step: ${unknown.join(', ')}. There are: ${steps.map((step) => step.name).join(', ')}.`);
    return 2;
  }
  const chosen = names.length === 0 ? steps : steps.filter(({ name }) => names.includes(name));
  const results: StepResult[] = [];
  const beside = chosen.filter(({ name }) => name === SOAK && chosen.length > 1);
  const others = Promise.all(beside.map((step) => resultOf(step, true)));
  for (const step of chosen) {
    if (stopping) break;
    if (beside.includes(step)) continue;
    console.log(styleText('bold', `— ${step.name}`));
    results.push(await resultOf(step, false));
  }
  if (beside.length > 0 && !stopping) console.log(styleText('dim', `All others are done; ${SOAK} goes on to its end.`));
  results.push(...(await others));
  return stopping ? 130 : summary(results);
}

interface StepResult {
  readonly name: string;
  readonly seconds: string;
  readonly result: Tally;
}

async function resultOf(step: Step, isBeside: boolean): Promise<StepResult> {
  const started = Date.now();
  const result = await step.run(isBeside);
  return { name: step.name, seconds: ((Date.now() - started) / 1000).toFixed(1), result };
}

function summary(results: readonly StepResult[]): number {
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
    for (const child of running) child.kill(signal);
  });
}
const { values, positionals } = parseArgs({
  options: { 'soak-minutes': { type: 'string', default: '10' } },
  allowPositionals: true,
});
// Test files are told by their environment: they have no arguments.
process.env['DETOUR_SOAK_MINUTES'] = values['soak-minutes'];
process.exitCode = await main(positionals);
