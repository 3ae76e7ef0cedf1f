/**
 * Child processes that never outlive this one. Each is told to a watchdog, a shell that waits on a pipe from here: when
 * that closes, whatever the reason (a crash, SIGKILL), it ends those that are left.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';

const WATCHDOG = `trap '' INT TERM HUP
pids=' '
while read -r word pid; do
  case $word in
    add) pids="$pids$pid " ;;
    drop) pids="\${pids%% $pid *} \${pids#* $pid }" ;;
    done) exit ;;
  esac
done
kill -9 $pids 2>/dev/null`;
/** A child says its id to the watchdog itself before it becomes what it is to be: not even a moment is unwatched. */
const CHILD = 'echo "add $$" >&3; exec "$@" 3>&-';

export interface ChildSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Gets everything that it prints. */
  readonly log: string;
}

export class Children implements AsyncDisposable {
  readonly #running = new Map<string, ChildProcess>();
  readonly #watchdog: ChildProcess;
  readonly #onEnd: (name: string, how: string) => void;

  /** @param onEnd told of each child that ends without having been killed from here. */
  constructor(onEnd: (name: string, how: string) => void) {
    this.#onEnd = onEnd;
    // Groups of their own, here and below: a Ctrl-C in the terminal is for this process alone to act on.
    this.#watchdog = spawn('sh', ['-c', WATCHDOG], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
    this.#watchdog.stdin?.on('error', () => undefined);
  }

  start({ name, command, args, env, log }: ChildSpec): void {
    const file = openSync(log, 'a');
    const stdio: StdioOptions = ['ignore', file, file, this.#watchdog.stdin];
    const child = spawn('sh', ['-c', CHILD, 'sh', command, ...args], { detached: true, env, stdio });
    closeSync(file);
    this.#running.set(name, child);
    child.once('error', (error) => this.#ended(name, child, error.message));
    child.once('exit', (code, signal) => this.#ended(name, child, signal ?? `code ${code}`));
  }

  pid(name: string): number | undefined {
    return this.#running.get(name)?.pid;
  }

  /** Kills one, if it still runs, and waits until it is gone. */
  async kill(name: string): Promise<void> {
    const child = this.#running.get(name);
    if (child === undefined) return;
    this.#forget(name, child);
    // Rejects when it could not even be started.
    const gone = once(child, 'exit').catch(() => undefined);
    child.kill('SIGKILL');
    await gone;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.kill(name)));
    const gone = once(this.#watchdog, 'exit');
    this.#tell('done');
    await gone;
  }

  #ended(name: string, child: ChildProcess, how: string): void {
    if (this.#running.get(name) !== child) return;
    this.#forget(name, child);
    this.#onEnd(name, how);
  }

  #forget(name: string, child: ChildProcess): void {
    this.#running.delete(name);
    if (child.pid !== undefined) this.#tell(`drop ${child.pid}`);
  }

  #tell(line: string): void {
    this.#watchdog.stdin?.write(`${line}\n`);
  }
}
