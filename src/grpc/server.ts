/** gRPC over HTTP/2, as much of it as a server needs: the one door of this room. It knows no xDS. */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type ServerOpts, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { Buffers } from '../http2/buffers.ts';
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
  /** A server with TLS is made here, with these options and its own; it is to speak `h2` alone. */
  readonly createServer?: (options: ServerOpts) => Server;
}

export class GrpcServer {
  readonly #options: GrpcServerOptions;
  readonly #limits: GrpcLimits;
  readonly #budget: ReceiveBudget;
  readonly #buffers = new Buffers();
  /** One for each address. */
  readonly #servers: Server[] = [];
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

  #createServer(): Server {
    const { createServer: createSecure } = this.#options;
    const options = { noDelay: true };
    const server = createSecure?.(options) ?? createServer(options);
    server.maxConnections = this.#limits.maxConnections;
    server.on('drop', (dropped) => {
      const { remoteAddress: host = '', remotePort = 0 } = dropped ?? {};
      this.#options.observer.connectionGivenUp(formatSocketAddress({ host, port: remotePort }), 'full');
    });
    server.on(createSecure === undefined ? 'connection' : 'secureConnection', (socket: Socket) => this.#connected(socket));
    return server;
  }

  #connected(socket: Socket): void {
    // Who names no protocol speaks another one.
    if (socket instanceof TLSSocket && socket.alpnProtocol !== 'h2') return void socket.destroy();
    const { methods, observer } = this.#options;
    const connection = new Connection(socket, {
      methods,
      observer,
      limits: this.#limits,
      budget: this.#budget,
      buffers: this.#buffers,
      onClose: (closed) => this.#gone(closed),
    });
    this.#connections.add(connection);
    // It came while the server was being closed.
    if (this.#closed !== undefined) connection.goAway();
  }

  #gone(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#onLastClosed?.();
  }
}
