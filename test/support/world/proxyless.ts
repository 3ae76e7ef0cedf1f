/** Calls {@link GrpcApp}s as a proxyless gRPC client does: it asks the control plane itself, for `xds:///` names. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Headers } from './grpc.ts';

/** What the process is asked for, and what it answers. */
export interface ProxylessCall {
  readonly id: number;
  readonly target: string;
  readonly metadata: Headers;
}

export interface ProxylessAnswer {
  readonly id: number;
  /** Who answered. */
  readonly copy?: string;
  readonly error?: string;
}

interface Waiting {
  readonly resolve: (copy: string) => void;
  readonly reject: (error: Error) => void;
}

const MAIN = fileURLToPath(new URL('./proxyless-child.ts', import.meta.url));

/** `node.id` of the client. */
export const GRPC_NODE = 'a-grpc-client';

/** What gRPC's xDS clients are started with, in any language. */
export function grpcBootstrap(xdsPort: number): object {
  const xds_servers = [
    { server_uri: `127.0.0.1:${xdsPort}`, channel_creds: [{ type: 'insecure' }], server_features: ['xds_v3'] },
  ];
  return { xds_servers, node: { id: GRPC_NODE, locality: {} } };
}

export class ProxylessClient implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ended: Promise<void>;
  #calls = 0;

  /** @param xdsPort of the control plane. */
  constructor(xdsPort: number) {
    const bootstrap = grpcBootstrap(xdsPort);
    this.#child = spawn(process.execPath, [MAIN], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: { ...process.env, GRPC_XDS_BOOTSTRAP_CONFIG: JSON.stringify(bootstrap) },
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', (code) => {
        for (const { reject } of this.#waiting.values()) reject(new Error(`the client ended with ${code}`));
        resolve();
      });
    });
    this.#child.on('message', ({ id, copy, error }: ProxylessAnswer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (copy === undefined) waiting?.reject(new Error(error));
      else waiting?.resolve(copy);
    });
  }

  /** One call. @returns the copy that answered. */
  call(target: string, metadata: Headers = {}): Promise<string> {
    const id = this.#calls++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, target, metadata } satisfies ProxylessCall, (error) => error && reject(error));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill();
    await this.#ended;
  }
}
