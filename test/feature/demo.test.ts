/** The demo as people start it: by its command, on real Envoys. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { ask } from '../../src/cli/demo/request.ts';
import { ROWS } from '../../src/cli/demo/rows.ts';
import { HOST } from '../../src/cli/demo/shop.ts';
import { until } from '../support/until.ts';

const run = promisify(execFile);
const DETOUR = fileURLToPath(new URL('../../bin/detour', import.meta.url));
const START_MS = 60_000;

/** A demo whose temporary folder is the test's own: everything that it starts can be told by that. */
class Demo implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown[]>;
  readonly temporary: string;
  output = '';

  constructor(temporary: string, args: readonly string[]) {
    this.temporary = temporary;
    const env = { ...process.env, TMPDIR: temporary, NO_COLOR: '1' };
    this.#child = spawn(DETOUR, ['demo', ...args], { env, cwd: tmpdir(), stdio: ['ignore', 'pipe', 'pipe'] });
    this.#exit = once(this.#child, 'exit');
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output += text;
      });
    }
  }

  async exitCode(): Promise<number | null> {
    await this.#exit;
    return this.#child.exitCode;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Resolves when the output has the text; fails at once when the demo ends without it. */
  says(text: string): Promise<unknown> {
    return until(
      `the demo to say ${JSON.stringify(text)}`,
      () => {
        if (this.output.includes(text)) return true;
        if (this.#child.exitCode !== null) return true;
        return false;
      },
      START_MS,
    ).then(() => expect(this.output).toContain(text));
  }

  /** Where a URL or folder of the output begins with this. */
  find(pattern: RegExp): string {
    const [, found] = pattern.exec(this.output) ?? [];
    if (found === undefined) throw new Error(`the demo did not say ${String(pattern)}:\n${this.output}`);
    return found;
  }

  /** Command lines of processes that have this demo's environment. */
  async processes(): Promise<string[]> {
    const { stdout } = await run('ps', ['axeww', '-o', 'stat=,args='], { maxBuffer: 64 * 1024 * 1024 });
    return stdout.split('\n').filter((line) => line.includes(`TMPDIR=${this.temporary}`) && !line.startsWith('Z'));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
    await until('the watchdog to end what is left', async () => (await this.processes()).length === 0);
    await rm(this.temporary, { recursive: true, force: true });
  }
}

async function startDemo(...args: readonly string[]): Promise<Demo> {
  return new Demo(await mkdtemp(join(tmpdir(), 'detour-test-')), args);
}

test('--once: every row is right, exit code 0, nothing is left', { timeout: 2 * START_MS }, async () => {
  await using demo = await startDemo('--once');
  expect(await demo.exitCode(), demo.output).toBe(0);
  expect(demo.output.match(/✓/g)).toHaveLength(ROWS.length);
  expect(demo.output).not.toContain('✗');
  expect(await demo.processes()).toEqual([]);
  expect(await readdir(demo.temporary)).toEqual([]);
});

test('--once: a preview with another key than it should have is told, row by row, exit code 1', {
  timeout: 2 * START_MS,
}, async () => {
  await using demo = await startDemo('--once');
  await demo.says('Control plane: ');
  const file = join(demo.find(/: (\/\S+manifests)\n/), 'pr-42.yaml');
  await writeFile(file, (await readFile(file, 'utf8')).replaceAll('preview: pr-42', 'preview: pr-43'));
  expect(await demo.exitCode(), demo.output).toBe(1);
  expect(demo.output).toContain('✗  x-detour: pr-42 ');
  expect(demo.output).toContain('expected  200 → frontend (baseline, served by: baseline) → api (pr-42, served by: pr-42) →');
  expect(demo.output).toContain('got  200 → frontend (baseline, served by: baseline) → api (baseline, served by: baseline) →');
  expect(demo.output).toContain('✓  x-detour: pr-7 ');
  expect(await demo.processes()).toEqual([]);
});

test('by hand: what is edited is followed, the killed preview is back, Ctrl-C leaves nothing', {
  timeout: 2 * START_MS,
}, async () => {
  await using demo = await startDemo();
  await demo.says('Ctrl-C ends everything');
  const gateway = Number(demo.find(/http:\/\/shop\.detour\.localhost:(\d+)\//));
  const manifests = demo.find(/ (\/\S+manifests)\n/);
  const apiOf = async (headers: Readonly<Record<string, string>>): Promise<string | undefined> =>
    (await ask(gateway, { host: HOST, headers })).hops[1]?.copy;
  await until('pr-42 to be back', async () => (await apiOf({ 'x-detour': 'pr-42' })) === 'pr-42', 60_000);

  expect(await apiOf({ 'x-detour': 'pr-7' })).toBe('pr-7');
  await rm(join(manifests, 'pr-7.yaml'));
  await until('the preview to go with its file', async () => (await apiOf({ 'x-detour': 'pr-7' })) === 'baseline');

  expect(await apiOf({ baggage: 'user=alice' })).toBe('baseline');
  const text = await readFile(join(manifests, 'pr-42.yaml'), 'utf8');
  const [, rule = ''] = /^# {3}(detour\.dev\/match: .*)$/m.exec(text) ?? [];
  await writeFile(join(manifests, 'pr-42.yaml'), text.replace(/^ {2}annotations:$/m, `$&\n    ${rule}`));
  await until('the rule of the hint to work', async () => (await apiOf({ baggage: 'user=alice' })) === 'pr-42');

  demo.signal('SIGINT');
  expect(await demo.exitCode()).toBe(0);
  expect(await demo.processes()).toEqual([]);
  expect(await readdir(demo.temporary)).toEqual([]);
});

test('a demo that is killed leaves nobody behind', { timeout: 2 * START_MS }, async () => {
  await using demo = await startDemo();
  await demo.says('Envoys: ');
  await until('children to run', async () => (await demo.processes()).length > 8);
  demo.signal('SIGKILL');
  await demo.exitCode();
  await until('all of them to end', async () => (await demo.processes()).length === 0);
});

test('a demo that is told to end while it starts ends at once, and leaves nothing', { timeout: 2 * START_MS }, async () => {
  await using demo = await startDemo('--once');
  await demo.says('Envoys: ');
  demo.signal('SIGTERM');
  expect(await demo.exitCode()).toBe(130);
  expect(await demo.processes()).toEqual([]);
  expect(await readdir(demo.temporary)).toEqual([]);
});
