/** The control plane as a process of its own, so that killing it is real. It keeps its ports over restarts. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { freePorts } from '../ports.ts';
import { until } from '../until.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));

export class ControlPlane implements AsyncDisposable {
  readonly xdsPort: number;
  readonly adminPort: number;
  readonly #args: readonly string[];
  #child: ChildProcess | undefined;
  #output = '';

  constructor(xdsPort: number, adminPort: number, args: readonly string[]) {
    this.xdsPort = xdsPort;
    this.adminPort = adminPort;
    this.#args = args;
  }

  /** What the process wrote, over all its lives. */
  get output(): string {
    return this.#output;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Starts it and waits until it is ready. */
  async start(): Promise<void> {
    const child = spawn(process.execPath, [MAIN, 'serve', ...this.#args], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#output = (this.#output + text).slice(-200_000);
      });
    }
    await until('the control plane to be ready', async () => this.exited || (await fetch(this.#url('/readyz'))).ok, 60_000);
    if (this.exited) throw new Error(`the control plane exited: ${this.#output}`);
  }

  get exited(): boolean {
    return this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || this.exited) return;
    const exit = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await exit;
  }

  /** An admin endpoint's text. */
  async admin(path: string): Promise<string> {
    return await (await fetch(this.#url(path))).text();
  }

  #url(path: string): string {
    return `http://127.0.0.1:${this.adminPort}${path}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}

/** @param args further arguments of `detour serve`. */
export async function startControlPlane(
  folder: string,
  args: readonly string[] = [],
  xdsHost = '127.0.0.1',
): Promise<ControlPlane> {
  const [xds = 0, admin = 0] = await freePorts(2);
  const listen = ['--xds-listen', `${xdsHost}:${xds}`, '--admin-listen', `127.0.0.1:${admin}`];
  const plane = new ControlPlane(xds, admin, ['--source', `directory:${folder}`, ...listen, ...args]);
  try {
    await plane.start();
    return plane;
  } catch (error) {
    await plane.kill();
    throw error;
  }
}
