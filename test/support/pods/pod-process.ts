/** Programs inside a pod's network namespace: the agent, the init step, a real Envoy. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SIDECAR_UID } from '../../../src/model/capture.ts';
import { envoyBinary } from '../envoy.ts';
import type { Agent } from './pod-agent.ts';

const run = promisify(execFile);
const AGENT = fileURLToPath(new URL('./pod-agent.ts', import.meta.url));
const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

export class AgentProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #calls = 0;

  /** @param namespace a path that nsenter takes */
  constructor(namespace: string) {
    this.#child = spawn('nsenter', [`--net=${namespace}`, process.execPath, AGENT], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // With what is undefined.
      serialization: 'advanced',
    });
    this.#child.on('message', (answer: Answer) => this.#waiting.get(answer.id)?.(answer));
    this.#child.once('close', () => {
      for (const [id, answer] of this.#waiting) answer({ id, error: 'the pod has ended' });
    });
  }

  /** Does it in the pod. */
  async do<Name extends keyof Agent>(name: Name, ...args: Parameters<Agent[Name]>): Promise<Awaited<ReturnType<Agent[Name]>>> {
    const id = this.#calls++;
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.set(id, resolve);
      this.#child.send({ id, name, args });
    });
    this.#waiting.delete(id);
    if (answer.error !== undefined) throw new Error(answer.error);
    // It is what the agent's function of that name gives.
    return answer.result as Awaited<ReturnType<Agent[Name]>>;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child);
  }
}

/** `detour` in the pod. @returns what it prints. */
export async function detourIn(
  namespace: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const env = { ...process.env, ...environment };
  const { stdout } = await run('nsenter', [`--net=${namespace}`, process.execPath, MAIN, ...args], { env });
  return stdout;
}

export class SidecarProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  #said = '';

  constructor(child: ChildProcess) {
    this.#child = child;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said = (this.#said + text).slice(-20_000);
    });
  }

  get said(): string {
    return this.#said;
  }

  get exited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    await end(this.#child, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#child);
  }
}

/** As its own user, as in a pod, whoever may look at where the binary lies. */
export async function startSidecar(namespace: string, config: object): Promise<SidecarProcess> {
  const binary = openSync(await envoyBinary(), 'r');
  const user = ['--setuid', String(SIDECAR_UID), '--setgid', String(SIDECAR_UID)];
  const args = ['--config-yaml', JSON.stringify(config), '-l', 'warning', '--concurrency', '1', '--disable-hot-restart'];
  const child = spawn('nsenter', [`--net=${namespace}`, ...user, '/proc/self/fd/3', ...args], {
    stdio: ['ignore', 'ignore', 'pipe', binary],
  });
  closeSync(binary);
  return new SidecarProcess(child);
}

async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill(signal);
  await exit;
}
