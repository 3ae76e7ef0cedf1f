/** kubectl and helm for tests, each as one of the cluster's users. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type ClientName, findClient } from '../../../tools/kubernetes/client-programs.ts';

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ClientCall {
  readonly args: readonly string[];
  readonly kubeconfig: string;
  /** For its standard input. */
  readonly input?: string;
  /** Over that of this process. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** @throws Error that says what to do, when there is no such program: tests fetch nothing themselves. */
export async function clientProgram(name: ClientName): Promise<string> {
  const found = await findClient(name, { path: process.env['PATH'] ?? '' });
  if (found !== undefined) return found;
  throw new Error(`There is no fitting ${name} here. \`tools/run tools/test.ts get-kubernetes\` fetches it once.`);
}

/** Starts it; the caller ends it. */
export async function startClient(name: ClientName, call: ClientCall): Promise<ChildProcess> {
  const environment = { ...process.env, ...call.environment, KUBECONFIG: call.kubeconfig };
  return spawn(await clientProgram(name), call.args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Runs it to its end, whatever its exit code. */
export async function runClient(name: ClientName, call: ClientCall): Promise<Finished> {
  const child = await startClient(name, call);
  const { stdin, stdout, stderr } = child;
  if (stdin === null || stdout === null || stderr === null) throw new Error('three pipes were asked for');
  stdin.end(call.input ?? '');
  const [out, err, [code]] = await Promise.all([text(stdout), text(stderr), once(child, 'close')]);
  return { code: code ?? 128, stdout: out, stderr: err };
}
