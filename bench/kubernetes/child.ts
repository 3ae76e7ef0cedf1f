/** A program of a benchmark, in a process of its own so that its time and memory are its own; it speaks lines, of JSON. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { monotonicMs } from './messages.ts';

const PATIENCE_MS = 120_000;
/** Of `/proc/<pid>/stat`: a hundredth of a second, on every Linux that Node runs on. */
const TICK_MS = 10;

type Message = Readonly<Record<string, unknown>>;

interface Waiting {
  readonly field: string;
  readonly resolve: (message: Message) => void;
}

export class Child implements AsyncDisposable {
  readonly startedAt = monotonicMs();
  readonly #process: ChildProcess;
  readonly #name: string;
  readonly #messages: Message[] = [];
  readonly #waiting: Waiting[] = [];
  #errors = '';

  constructor(name: string, program: string, args: readonly string[], env?: NodeJS.ProcessEnv) {
    this.#name = name;
    this.#process = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env });
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error('pipes were asked for');
    createInterface(stdout).on('line', (line) => this.#receive(readLine(line)));
    stderr.on('data', (text: Buffer) => {
      this.#errors = (this.#errors + text.toString('utf8')).slice(-4000);
    });
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  write(line: string): void {
    this.#process.stdin?.write(`${line}\n`);
  }

  /** The next line that has this field. @throws Error with what it said on standard error, when none comes. */
  async message<T extends object>(field: string): Promise<T> {
    const gone = new AbortController();
    const ended = once(this.#process, 'exit', { signal: gone.signal }).then(() => 'it ended');
    const late = once(AbortSignal.timeout(PATIENCE_MS), 'abort', { signal: gone.signal }).then(() => 'that took too long');
    const message = new Promise<Message>((resolve) => {
      const index = this.#messages.findIndex((each) => field in each);
      const [found] = index < 0 ? [] : this.#messages.splice(index, 1);
      if (found === undefined) this.#waiting.push({ field, resolve });
      else resolve(found);
    });
    const result = await Promise.race([message, ended, late]);
    for (const loser of [ended, late]) loser.catch(() => undefined);
    gone.abort();
    if (typeof result === 'string') throw new Error(`${this.#name} did not say ${field}: ${result}\n${this.#errors}`);
    // The programs are ours: each says what its head comment says.
    return result as T;
  }

  /** User and system time until now, ms. */
  async cpuMs(): Promise<number> {
    const stat = await readFile(`/proc/${this.pid}/stat`, 'utf8');
    // The second field is a name in parentheses; the 14th and 15th are the times.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }

  /** Resident memory now and at its highest, in bytes. */
  async memory(): Promise<{ readonly now: number; readonly highest: number }> {
    const status = await readFile(`/proc/${this.pid}/status`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1024;
    return { now: field('VmRSS'), highest: field('VmHWM') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exit;
  }

  #receive(message: Message): void {
    const index = this.#waiting.findIndex(({ field }) => field in message);
    const [waiting] = index < 0 ? [] : this.#waiting.splice(index, 1);
    if (waiting === undefined) this.#messages.push(message);
    else waiting.resolve(message);
  }
}

/** Detour's own lines are for people. */
function readLine(line: string): Message {
  return line.startsWith('{') ? (JSON.parse(line) as Message) : { text: line };
}
