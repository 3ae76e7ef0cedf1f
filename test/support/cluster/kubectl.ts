/** kubectl and helm for tests, each as one of the cluster's users. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { type ClientName, findClient } from '../../../tools/kubernetes/client-programs.ts';
import { until } from '../until.ts';

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

/** Runs it to its end, whatever its exit code. */
export async function runClient(name: ClientName, call: ClientCall): Promise<Finished> {
  const child = await start(name, call);
  child.stdin.end(call.input ?? '');
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: code ?? 128, stdout, stderr };
}

export interface PortForward extends AsyncDisposable {
  /** On 127.0.0.1. */
  readonly port: number;
  readonly url: string;
}

export interface PortForwardCall {
  readonly namespace: string;
  readonly pod: string;
  /** Of the pod. */
  readonly port: number;
  readonly kubeconfig: string;
}

/** @throws Error with what kubectl says, when it does not forward. */
export async function startPortForward({ namespace, pod, port, kubeconfig }: PortForwardCall): Promise<PortForward> {
  const args = ['port-forward', '--namespace', namespace, `pod/${pod}`, `:${port}`];
  const child = await start('kubectl', { args, kubeconfig });
  const exit = once(child, 'close');
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      said += chunk;
    });
  }
  const own = await until('kubectl to forward', () => {
    const ended = child.exitCode !== null || child.signalCode !== null;
    return /Forwarding from 127\.0\.0\.1:(\d+)/.exec(said)?.[1] ?? (ended ? 'ended' : undefined);
  });
  if (own === 'ended') {
    await exit;
    throw new Error(`kubectl ${args.join(' ')}: ${said.trim()}`);
  }
  return {
    port: Number(own),
    url: `http://127.0.0.1:${own}`,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exit;
    },
  };
}

async function start(name: ClientName, call: ClientCall): Promise<ChildProcessWithoutNullStreams> {
  const environment = { ...process.env, ...call.environment, KUBECONFIG: call.kubeconfig };
  return spawn(await clientProgram(name), call.args, { env: environment });
}
