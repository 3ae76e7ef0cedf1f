/** A gRPC client of another language as a process, which is told what to do by lines of JSON on its input. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { GO_CLIENT } from '../../../tools/clients/go-client.ts';
import { getPythonPackages } from '../../../tools/clients/python-packages.ts';
import { getPart } from '../../../tools/kubernetes/build-part.ts';
import type { Headers } from '../world/grpc.ts';
import { grpcBootstrap } from '../world/proxyless.ts';

/** What a control plane says by CSDS that one of its clients has. */
export interface HeldResource {
  /** `node.id` of the client. */
  readonly node: string;
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly configStatus: string;
  readonly clientStatus: string;
}

interface Answer {
  readonly id: number;
  readonly copy?: string;
  readonly resources?: readonly HeldResource[];
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export class RpcClient implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #asked = 0;

  /** @param xdsPort of the control plane */
  constructor({ command, args, env }: Program, xdsPort: number) {
    this.#child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...env, GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(grpcBootstrap(xdsPort)) },
    });
    this.#child.stdin.on('error', () => undefined);
    this.#ended = new Promise((resolve) => {
      const end = (why: string): void => {
        for (const { reject } of this.#waiting.values()) reject(new Error(`${command} ${why}`));
        this.#waiting.clear();
        resolve();
      };
      this.#child.once('error', (error) => end(`did not start: ${error.message}`));
      this.#child.once('exit', (code, signal) => end(`ended with ${code ?? signal}`));
    });
    createInterface(this.#child.stdout).on('line', (line) => {
      // The programs beside this file write nothing else.
      const answer = JSON.parse(line) as Answer;
      const waiting = this.#waiting.get(answer.id);
      this.#waiting.delete(answer.id);
      if (answer.error === undefined) waiting?.resolve(answer);
      else waiting?.reject(new Error(answer.error));
    });
  }

  /** One call. @returns the copy that answered. */
  async call(target: string, headers: Headers = {}): Promise<string> {
    const metadata = Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, [values].flat()]));
    return (await this.#ask({ target, metadata })).copy ?? '';
  }

  /** CSDS of a control plane, read with the client's own stubs. @param address `HOST:PORT` */
  async statusOf(address: string): Promise<readonly HeldResource[]> {
    return (await this.#ask({ statusOf: address })).resources ?? [];
  }

  #ask(what: object): Promise<Answer> {
    const id = this.#asked++;
    return new Promise((resolve, reject) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) reject(new Error('the client has ended'));
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdin.write(`${JSON.stringify({ id, ...what })}\n`);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}

const progress = (line: string): boolean => process.stderr.write(`${line}\n`);

export async function startGoClient(xdsPort: number): Promise<RpcClient> {
  const command = await getPart(GO_CLIENT, { assets: undefined, path: process.env['PATH'] ?? '', progress });
  return new RpcClient({ command, args: [], env: {} }, xdsPort);
}

export async function startPythonClient(xdsPort: number): Promise<RpcClient> {
  const main = fileURLToPath(new URL('./python/client.py', import.meta.url));
  const env = { PYTHONPATH: await getPythonPackages({ progress }), PYTHONDONTWRITEBYTECODE: '1', GRPC_VERBOSITY: 'ERROR' };
  return new RpcClient({ command: 'python3', args: [main], env }, xdsPort);
}
