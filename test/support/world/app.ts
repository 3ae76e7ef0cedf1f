/**
 * A small application for tests, in process: it says which copy it is and what it was asked, passes trace context on to
 * the next hop, can be slow, large, refuse, reset, and come back on its port. HTTP/1.1 (with WebSocket) or h2c.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createH2cServer, type Http2Server, type ServerHttp2Session } from 'node:http2';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Asked, answer } from './app-answer.ts';

/** How long a side of a connection that was cut has to see it, in ms. */
const CUT_MS = 1_000;
/** How long idle connections are left open at the end, in ms. Shorter than the time that pods have to end. */
const DRAIN_MS = 3_000;

export type AppProtocol = 'http1' | 'h2c';

export interface AppOptions {
  readonly service: string;
  /** What a request's body must say to have come here: `baseline`, or a preview's key. */
  readonly copy: string;
  /** Tells pods of one copy apart. */
  readonly pod?: string;
  readonly protocol?: AppProtocol;
  /** Where it listens; 127.0.0.1 unless told. */
  readonly address?: string;
  /** 0: any free port, which `revive` takes again. */
  readonly port?: number;
  /** Where `/<name>/rest` is passed on to, as `/rest`. */
  readonly links?: Readonly<Record<string, Link>>;
}

/** The next hop, as this app sees it. */
export interface Link {
  /** 127.0.0.1 unless told. */
  readonly address?: string;
  readonly port: number;
  /** The `Host` that it is called by. */
  readonly host: string;
  /** A connection for each request. */
  readonly fresh?: boolean;
}

export class App implements AsyncDisposable {
  readonly options: AppOptions;
  /** What it was asked, oldest first; the last 5,000. */
  readonly asked: Asked[] = [];
  requests = 0;
  /** `reset`: takes the request and then cuts the connection. */
  behaviour: 'answer' | 'reset' = 'answer';
  links: Readonly<Record<string, Link>>;
  #server: Server | Http2Server;
  #port: number;
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #webSockets = new Set<WebSocket>();
  #isDraining = false;
  #isDeaf = false;

  constructor(options: AppOptions) {
    this.options = options;
    this.links = options.links ?? {};
    this.#port = options.port ?? 0;
    this.#server = this.#create();
  }

  get port(): number {
    return this.#port;
  }

  get address(): string {
    return `${this.#host}:${this.#port}`;
  }

  get #host(): string {
    return this.options.address ?? '127.0.0.1';
  }

  async listen(): Promise<void> {
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.#port, this.#host, resolve);
    });
    // A TCP server that listens has an AddressInfo.
    this.#port = (server.address() as AddressInfo).port;
  }

  /**
   * Dies: connections are cut, new ones refused. Done when the other sides have seen it, through a proxy in between too: a
   * request that is written into a connection that has just been cut may have been read for all that its sender knows, and
   * is not sent again.
   */
  async die(): Promise<void> {
    const closed = this.#listenNoMore();
    for (const socket of this.#webSockets) socket.terminate();
    for (const session of this.#sessions) session.destroy();
    await Promise.all([...this.#sockets].map(cut));
    await closed;
  }

  /**
   * Ends as a well-behaved server does: takes no new connection, and says with each answer that its connection ends. One
   * without a request is left open for a while, until its other side has heard that this pod is gone: a request that is
   * under way when a connection is closed is lost, and may not be sent again.
   */
  async drain(): Promise<void> {
    const server = this.#server;
    this.#isDraining = true;
    const closed = this.#listenNoMore();
    for (const session of this.#sessions) session.close();
    const patience = setTimeout(() => {
      if ('closeIdleConnections' in server) server.closeIdleConnections();
    }, DRAIN_MS);
    await closed;
    clearTimeout(patience);
  }

  /** From now on it reads nothing: requests that are sent to it stay in the kernel. */
  deafen(): void {
    this.#isDeaf = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /** Ends as a process that is killed: connections are reset, whatever has not been read of them, and new ones refused. */
  async crash(): Promise<void> {
    const closed = this.#listenNoMore();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  /** Comes back on the same port. */
  async revive(): Promise<void> {
    this.#server = this.#create();
    this.#isDraining = false;
    this.#isDeaf = false;
    await this.listen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.die();
  }

  /** The close of an HTTP server also destroys idle connections, at once and without a word: this one leaves them. */
  #listenNoMore(): Promise<unknown> {
    return new Promise((resolve) => NetServer.prototype.close.call(this.#server, resolve));
  }

  #create(): Server | Http2Server {
    // Both APIs hand over requests and responses of the same shape, as far as `answer` uses them.
    const handle = (request: IncomingMessage, response: ServerResponse): void => this.#handle(request, response);
    const server =
      this.options.protocol === 'h2c'
        ? createH2cServer(handle as unknown as Parameters<typeof createH2cServer>[1])
        : createServer({ keepAliveTimeout: 0, requestTimeout: 0 }, handle);
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket.setNoDelay(true));
      if (this.#isDeaf) socket.pause();
      socket.once('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined);
    });
    server.on('session', (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
      session.on('error', () => undefined);
    });
    if (this.options.protocol !== 'h2c') this.#acceptWebSockets(server as Server);
    return server;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    this.requests++;
    if (this.behaviour === 'reset') {
      for (const socket of this.#sockets) socket.resetAndDestroy();
      return;
    }
    if (this.#isDraining && this.options.protocol !== 'h2c') response.shouldKeepAlive = false;
    answer(this, request, response).catch((error: unknown) => {
      // The other side went away in the middle of a body: nobody is left to be told.
      response.destroy(error instanceof Error ? error : undefined);
    });
  }

  #acceptWebSockets(server: Server): void {
    const webSockets = new WebSocketServer({ server });
    // The server's own, told a second time: whoever listens is told once.
    webSockets.on('error', () => undefined);
    webSockets.on('connection', (socket, request) => {
      this.requests++;
      this.#webSockets.add(socket);
      socket.once('close', () => this.#webSockets.delete(socket));
      socket.on('error', () => undefined);
      socket.send(JSON.stringify({ ...this.identity(), path: request.url, headers: request.headers }));
      socket.on('message', (data, binary) => socket.send(data, { binary }));
    });
  }

  identity(): { readonly service: string; readonly copy: string; readonly pod: string } {
    const { service, copy, pod } = this.options;
    return { service, copy, pod: pod ?? `${service}-${copy}` };
  }

  note(asked: Asked): void {
    this.asked.push(asked);
    if (this.asked.length > 5_000) this.asked.shift();
  }
}

export async function startApp(options: AppOptions): Promise<App> {
  const app = new App(options);
  await app.listen();
  return app;
}

/** Says that there is no more, and waits for the other side to close; a side that reads nothing is not waited for. */
function cut(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const force = setTimeout(() => socket.destroy(), CUT_MS);
    socket.once('close', () => {
      clearTimeout(force);
      resolve();
    });
    if (socket.destroyed) return resolve();
    socket.end();
    // Nothing else may be waiting for the end of a connection without a request.
    socket.resume();
  });
}
