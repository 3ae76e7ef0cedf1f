/** A gateway with several worker threads, and connections to each of them: to see when every worker goes by a change. */
import { connect } from 'node:net';
import { bootstrap } from '../../../src/envoy-bootstrap.ts';
import type { SocketAddress } from '../../../src/model/proxy.ts';
import { type EnvoyProcess, startEnvoy } from '../envoy.ts';
import { freePort } from '../ports.ts';
import { until } from '../until.ts';
import { ask } from '../world/client.ts';
import { OneByOneConnection, SharedConnection, type WorkerAnswer, type WorkerConnection } from './worker-connection.ts';

export interface WorkerGatewayOptions {
  /** Where the control plane listens. */
  readonly xds: SocketAddress;
  readonly workers: number;
  /** To each worker. */
  readonly connections: number;
  /** Whether they are HTTP/2, with other requests under way on each at all times; else HTTP/1.1, one request at a time. */
  readonly isShared: boolean;
  /** That it serves, by a copy that answers. */
  readonly host: string;
}

export class WorkerGateway implements AsyncDisposable {
  readonly port: number;
  readonly envoy: EnvoyProcess;
  readonly #connections: readonly WorkerConnection[];

  private constructor(port: number, envoy: EnvoyProcess, connections: readonly WorkerConnection[]) {
    this.port = port;
    this.envoy = envoy;
    this.#connections = connections;
  }

  static async open(options: WorkerGatewayOptions): Promise<WorkerGateway> {
    const { xds, workers, host } = options;
    const listen = { host: '127.0.0.1', port: await freePort() };
    const proxy = {
      role: 'gateway',
      namespace: 'shop',
      name: 'edge',
      listen,
      previewDomain: undefined,
      corsOrigins: [],
    } as const;
    const config = bootstrap({ proxy, xds: [xds], admin: { host: '127.0.0.1', port: 0 }, protocol: 'delta' });
    const envoy = await startEnvoy({ config, concurrency: workers });
    try {
      await until('the gateway to answer', async () => (await ask(listen.port, { host })).status === 200);
      return new WorkerGateway(listen.port, envoy, await connectAll(listen.port, envoy, options));
    } catch (error) {
      await envoy[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** One request on every connection, all written in this turn. */
  ask(host: string, headers: Readonly<Record<string, string>>): Promise<readonly WorkerAnswer[]> {
    return Promise.all(this.#connections.map((connection) => connection.ask(host, headers)));
  }

  /** Requests on every connection, one after the other, until `copy` answers each. @returns all answers */
  async askUntil(copy: string, host: string, headers: Readonly<Record<string, string>>): Promise<readonly WorkerAnswer[]> {
    const one = async (connection: WorkerConnection): Promise<readonly WorkerAnswer[]> => {
      const answers: WorkerAnswer[] = [];
      for (let times = 0; times < 10_000; times += 1) {
        const answer = await connection.ask(host, headers);
        answers.push(answer);
        if (answer.copy === copy) return answers;
      }
      throw new Error(`Worker ${connection.worker} never came to ${copy}.`);
    };
    return (await Promise.all(this.#connections.map(one))).flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const connection of this.#connections) connection.close();
    await this.envoy[Symbol.asyncDispose]();
  }
}

/** The kernel chooses the worker: Envoy says which it was, by one more connection in its statistics. */
async function connectAll(
  port: number,
  envoy: EnvoyProcess,
  options: WorkerGatewayOptions,
): Promise<readonly WorkerConnection[]> {
  const { workers, connections, isShared } = options;
  const all: WorkerConnection[] = [];
  const spread = Array.from({ length: workers }, () => 0);
  let known = await connectionsOf(envoy);
  while (spread.some((count) => count < connections)) {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true }).on('error', () => undefined);
    const before = known;
    const worker = await until('Envoy to have taken a connection', async () => {
      known = await connectionsOf(envoy);
      return known.findIndex((count, index) => count > (before[index] ?? 0)) + 1 || undefined;
    });
    const count = spread[worker - 1] ?? 0;
    if (count >= connections) {
      socket.destroy();
      continue;
    }
    spread[worker - 1] = count + 1;
    all.push(isShared ? new SharedConnection(socket, worker - 1) : new OneByOneConnection(socket, worker - 1));
  }
  return all;
}

/** Connections so far, of each worker. */
async function connectionsOf(envoy: EnvoyProcess): Promise<readonly number[]> {
  const text = await envoy.admin('/stats?filter=worker_\\d%2B\\.downstream_cx_total');
  const counts: number[] = [];
  for (const [, worker, count] of text.matchAll(/^listener\.127\.0\.0\.1_\d+\.worker_(\d+)\.downstream_cx_total: (\d+)/gm)) {
    counts[Number(worker)] = Number(count);
  }
  return counts;
}
