/** gRPC over HTTP/2, as much of it as a server needs: the one door of this room. It knows no xDS. */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { createServer, type Http2SecureServer, type Http2Server, type ServerOptions } from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { SocketAddress } from '../model/proxy.ts';
import { formatSocketAddress } from '../model/socket-address.ts';
import type { Method } from './call.ts';
import { Connection } from './connection.ts';
import { DEFAULT_GRPC_LIMITS, type GrpcLimits } from './limits.ts';
import type { GrpcObserver } from './observer.ts';
import { ReceiveBudget } from './receive-budget.ts';

export interface GrpcServerOptions {
  /** By path: `/package.Service/Method`. */
  readonly methods: ReadonlyMap<string, Method>;
  readonly observer: GrpcObserver;
  readonly limits?: Partial<GrpcLimits>;
  /** A server with TLS is made here, with these options and its own. */
  readonly createServer?: (options: ServerOptions) => Http2Server | Http2SecureServer;
}

export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #limits: GrpcLimits;
  readonly #budget: ReceiveBudget;
  /** One for each address. */
  readonly #servers: (Http2Server | Http2SecureServer)[] = [];
  readonly #connections = new Set<Connection>();
  #closed: Promise<void> | undefined;
  #onLastClosed: (() => void) | undefined;

  constructor(options: GrpcServerOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_GRPC_LIMITS, ...options.limits };
    this.#budget = new ReceiveBudget(this.#limits.maxReceivingBytes);
  }

  /**
   * @param address a name stands for all its addresses; port 0: any
   * @returns the address with the port that it is.
   * @throws what the system says when the address cannot be had.
   */
  async listen({ host, port }: SocketAddress): Promise<SocketAddress> {
    let bound = port;
    for (const { address } of await lookup(host, { all: true })) {
      const server = this.#createServer();
      server.listen(bound, address);
      await once(server, 'listening');
      // A connection that could not be accepted is its client's loss.
      server.on('error', () => undefined);
      this.#servers.push(server);
      // It is not a pipe.
      bound = (server.address() as AddressInfo).port;
    }
    return { host, port: bound };
  }

  /** No more connections; those that are there are told to be given up when their streams have ended. @returns once they have. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      for (const server of this.#servers) server.close();
      for (const connection of [...this.#connections]) connection.goAway();
      if (this.#connections.size === 0) resolve();
      else this.#onLastClosed = resolve;
    });
    return this.#closed;
  }

  /** Ends all connections at once; after {@link close}. */
  destroy(): void {
    for (const connection of [...this.#connections]) connection.destroy();
  }

  #createServer(): Http2Server | Http2SecureServer {
    const { limits, create } = { limits: this.#limits, create: this.#options.createServer ?? createServer };
    const server = create({
      settings: {
        maxConcurrentStreams: limits.maxStreams,
        maxHeaderListSize: limits.maxHeaderBytes,
        initialWindowSize: STREAM_WINDOW,
        enablePush: false,
      },
      maxHeaderListPairs: limits.maxHeaders,
      // A response that waits for its client counts, and is shared: what a client sends has bounds of its own.
      maxSessionMemory: SESSION_MEMORY_MB,
      maxSessionInvalidFrames: MAX_INVALID_FRAMES,
      streamResetBurst: limits.resetBurst,
      streamResetRate: limits.resetRate,
    });
    server.maxConnections = limits.maxConnections;
    server.on('drop', (dropped) => {
      const { remoteAddress: host = '', remotePort = 0 } = dropped ?? {};
      this.#options.observer.connectionGivenUp(formatSocketAddress({ host, port: remotePort }), 'full');
    });
    server.on('session', (session) => {
      const { methods, observer } = this.#options;
      const onClose = (connection: Connection): void => this.#gone(connection);
      const options = { methods, observer, limits: this.#limits, budget: this.#budget, onClose };
      const connection = new Connection(session, options);
      this.#connections.add(connection);
      session.setLocalWindowSize(CONNECTION_WINDOW);
      // It came while the server was being closed.
      if (this.#closed !== undefined) connection.goAway();
    });
    return server;
  }

  #gone(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onLastClosed?.();
  }
}

/** What a client may send before it is read, in bytes: on one stream, and on all of a connection. */
const STREAM_WINDOW = 64 * 1024;
const CONNECTION_WINDOW = 256 * 1024;
const SESSION_MEMORY_MB = 1_024;
const MAX_INVALID_FRAMES = 100;
