/** A server program that a test starts: its log and its pid are files of the folder, for who clears up. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { until } from '../until.ts';

/** A busy machine of two cores starts an API server in well under a minute. */
const START_LIMIT_MS = 60_000;

/** A request into a server that is still starting may never be answered: another one is made. */
const LOOK_LIMIT_MS = 5_000;

export class ServerProcess {
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #pidFile: string;

  private constructor(child: ChildProcess, name: string, folder: string) {
    this.#child = child;
    this.#logFile = join(folder, `${name}.log`);
    this.#pidFile = join(folder, `${name}.pid`);
  }

  /**
   * Starts it, and waits until `ready` gives true.
   * @throws Error with the end of its log, when it ends before.
   */
  static async start(
    program: string,
    flags: readonly string[],
    folder: string,
    ready: () => Promise<boolean>,
  ): Promise<ServerProcess> {
    const name = basename(program);
    const log = openSync(join(folder, `${name}.log`), 'a');
    const child = spawn(program, flags, { cwd: folder, stdio: ['ignore', log, log] });
    closeSync(log);
    await once(child, 'spawn');
    const server = new ServerProcess(child, name, folder);
    await writeFile(server.#pidFile, String(child.pid));
    try {
      await until(`${name} to be ready`, async () => server.exited || (await soon(ready())), START_LIMIT_MS);
      if (server.exited) throw new Error(`it ended with ${child.exitCode ?? child.signalCode}`);
      return server;
    } catch (error) {
      const said = (await server.log()).slice(-4000);
      await server.stop('SIGKILL');
      throw new Error(`${name} did not start: ${error instanceof Error ? error.message : String(error)}\n${said}`);
    }
  }

  get exited(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Everything it said, over all of its starts in this folder. */
  log(): Promise<string> {
    return readFile(this.#logFile, 'utf8');
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    if (!this.exited) {
      const exit = once(this.#child, 'exit');
      this.#child.kill(signal);
      await exit;
    }
    await rm(this.#pidFile, { force: true });
  }
}

/** false: no answer by then. */
async function soon(answer: Promise<boolean>): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), LOOK_LIMIT_MS);
  try {
    return await Promise.race([answer, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
