/**
 * Connections to ports of pods, through the API server: its RBAC decides who may. WebSockets of our own (package `ws`) with
 * the connection of our own access: those of client-node do the same, and take seconds and 90 MB to load.
 */
import { Duplex } from 'node:stream';
import WebSocket from 'ws';
import { type Access, AccessError, type Connection, identityHeaders } from './access.ts';
import { errorBody, reasonOf } from './api-client.ts';
import { away, type Failure, refused, unreachable } from './failure.ts';

export interface PodAddress {
  readonly namespace: string;
  readonly pod: string;
  /** By number. */
  readonly port: number;
}

/** The kubelet's protocol: a frame begins with its channel; of each channel the first frame is the port. */
const PROTOCOL = 'v4.channel.k8s.io';
const DATA = 0;
const ERRORS = 1;
const HANDSHAKE_MS = 15_000;
/** RBAC's: a WebSocket begins as a GET, and newer API servers ask for `create` too, as for other ways to forward. */
const VERBS = 'get and create';

/** @returns the connection; a port that nobody listens on is told by its first error. */
export async function dialPod(access: Access, to: PodAddress, signal: AbortSignal): Promise<Duplex | Failure> {
  let connection: Connection;
  try {
    connection = await access.connect();
  } catch (error) {
    if (error instanceof AccessError) return unreachable(error.message);
    throw error;
  }
  const socket = open(connection, to);
  const abort = () => socket.terminate();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await new Promise<Duplex | Failure>((resolve) => {
      socket.once('open', () => resolve(new ForwardedConnection(socket)));
      socket.once('unexpected-response', (request, response) => {
        if (response.statusCode === 401) access.forget();
        errorBody(response).then(
          (body) => resolve(refused(response.statusCode ?? 0, body, 'pods/portforward', 0, VERBS)),
          (error: unknown) => resolve(unreachable(reasonOf(error))),
        );
        response.once('close', () => request.destroy());
      });
      // Stays, so that an error after the opening is nobody's uncaught one.
      socket.on('error', (error) => resolve(away(connection.server, reasonOf(error))));
      if (signal.aborted) abort();
    });
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function open(connection: Connection, to: PodAddress): WebSocket {
  const { server, ca, certificate, key, serverName, isInsecure, agent } = connection;
  const url = new URL(server);
  url.protocol = server.protocol === 'http:' ? 'ws:' : 'wss:';
  const base = url.pathname.replace(/\/$/, '');
  url.pathname = `${base}/api/v1/namespaces/${to.namespace}/pods/${to.pod}/portforward`;
  url.searchParams.set('ports', String(to.port));
  return new WebSocket(url, [PROTOCOL], {
    handshakeTimeout: HANDSHAKE_MS,
    perMessageDeflate: false,
    rejectUnauthorized: !isInsecure,
    headers: { 'user-agent': 'detour', ...identityHeaders(connection) },
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(agent === undefined ? {} : { agent }),
  });
}

/** The bytes of one TCP connection at the pod. Its end is the WebSocket's: the protocol has no half-closed ones. */
class ForwardedConnection extends Duplex {
  readonly #socket: WebSocket;
  /** Channels whose first frame has come. */
  readonly #begun = new Set<number>();

  constructor(socket: WebSocket) {
    super();
    this.#socket = socket;
    socket.on('message', (frame) => this.#take(Buffer.isBuffer(frame) ? frame : Buffer.from([])));
    socket.on('close', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
  }

  #take(frame: Buffer): void {
    const [channel = DATA] = frame;
    const isFirst = !this.#begun.has(channel);
    this.#begun.add(channel);
    const bytes = frame.subarray(isFirst ? 3 : 1);
    if (bytes.length === 0) return;
    if (channel === ERRORS) this.destroy(new Error(bytes.toString('utf8').trim()));
    else if (channel === DATA && !this.push(bytes)) this.#socket.pause();
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#socket.send(Buffer.concat([Buffer.of(DATA), chunk]), done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.terminate();
    done(error);
  }
}
