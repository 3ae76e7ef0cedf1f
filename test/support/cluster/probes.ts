/** Probes and hooks, from the node, as a kubelet does them. */
import { request } from 'node:http';
import { connect } from 'node:net';
import type { RunningContainer } from './image.ts';
import type { ActionSpec, ContainerSpec } from './pod-objects.ts';

/** @throws Error that says why not, when it does not succeed within `timeoutMs`. */
export async function act(
  action: ActionSpec,
  container: ContainerSpec,
  running: RunningContainer,
  address: string,
  timeoutMs: number,
): Promise<void> {
  const { httpGet, tcpSocket, exec, sleep } = action;
  if (sleep !== undefined) return wait(sleep.seconds * 1000);
  if (exec !== undefined) {
    const code = await running.exec(exec.command);
    if (code !== 0) throw new Error(`${exec.command.join(' ')} ended with ${code}`);
    return;
  }
  if (httpGet !== undefined) {
    const headers = Object.fromEntries((httpGet.httpHeaders ?? []).map(({ name, value }) => [name, value]));
    const target = { host: httpGet.host ?? address, port: portOf(httpGet.port, container), path: httpGet.path ?? '/' };
    return get(target, headers, timeoutMs);
  }
  if (tcpSocket !== undefined) return knock(address, portOf(tcpSocket.port, container), timeoutMs);
  throw new Error('the bench does not know this kind of probe');
}

function portOf(port: number | string, container: ContainerSpec): number {
  if (typeof port === 'number') return port;
  const found = container.ports?.find(({ name }) => name === port)?.containerPort;
  if (found === undefined) throw new Error(`container ${container.name} has no port ${port}`);
  return found;
}

interface Target {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

function get(target: Target, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...target, headers: { connection: 'close', ...headers }, agent: false }, (response) => {
      response.resume();
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 400) resolve();
      else reject(new Error(`${target.path} answered ${status}`));
    });
    sent.setTimeout(timeoutMs, () => sent.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    sent.on('error', reject).end();
  });
}

function knock(host: string, port: number, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: timeoutMs }, () => {
      resolve();
      socket.destroy();
    });
    socket.on('timeout', () => socket.destroy(new Error(`no connection within ${timeoutMs} ms`)));
    socket.on('error', reject);
  });
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
