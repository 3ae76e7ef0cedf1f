/** A child process that is given orders as lines of JSON and answers each with one, and what it costs. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';

/** Linux: what `/proc/<pid>/stat` counts in, 100 a second on every platform that Node runs on. */
const TICK_MS = 10;

export class LineProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #answers: AsyncIterator<string>;

  constructor(program: string, args: readonly string[], env?: NodeJS.ProcessEnv) {
    this.#name = program.replace(/.*\//, '');
    this.#child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error(`${this.#name} has no standard output`);
    this.#answers = createInterface(stdout)[Symbol.asyncIterator]();
  }

  /** @returns the next line, parsed; what is in it is the order's business. */
  async answer<T>(): Promise<T> {
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`${this.#name} ended; see above`);
    return JSON.parse(value) as T;
  }

  /** Several may wait for their answer: they come in order. */
  ask<T>(order: object | string): Promise<T> {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    return this.answer();
  }

  /** Processor time so far, of all its threads, in ms. */
  async cpuMs(): Promise<number> {
    const stat = await readFile(`/proc/${this.#child.pid}/stat`, 'utf8');
    // The name in parentheses may hold spaces; utime and stime are the 12th and 13th field after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }

  /** Resident memory, in MB. */
  async residentMb(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}
