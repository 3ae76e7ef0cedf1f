/** One connection: its calls, whether it is alive, when it is to end, and what its client may do. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Buffers } from '../http2/buffers.ts';
import { type ConnectionEvents, Http2Connection } from '../http2/connection.ts';
import { encodeHeaders } from '../http2/header-encoder.ts';
import type { Request } from '../http2/request.ts';
import type { Http2Stream } from '../http2/stream.ts';
import { formatSocketAddress } from '../model/socket-address.ts';
import { type Method, type Peer, ServerCall } from './call.ts';
import { giveBack } from './give-back.ts';
import type { GrpcLimits } from './limits.ts';
import type { GivenUp, GrpcObserver } from './observer.ts';
import type { ReceiveBudget } from './receive-budget.ts';
import { SocketWire } from './socket-wire.ts';
import { STATUS } from './status.ts';

export interface ConnectionOptions {
  readonly methods: ReadonlyMap<string, Method>;
  readonly limits: GrpcLimits;
  readonly budget: ReceiveBudget;
  readonly buffers: Buffers;
  readonly observer: GrpcObserver;
  readonly onClose: (connection: Connection) => void;
}

/** Of the age at which a connection ends, more or less, so that those that came together do not go together (F6). */
const AGE_JITTER = 0.2;
/** A client that was told the end of the connection has so long to end its side, in ms. */
const CLOSING_MS = 1_000;

export class Connection implements ConnectionEvents {
  readonly peer: Peer;
  readonly #socket: Socket;
  readonly #http2: Http2Connection;
  readonly #options: ConnectionOptions;
  readonly #calls = new Set<ServerCall>();
  #pings: NodeJS.Timeout | undefined;
  #dead: NodeJS.Timeout | undefined;
  /** When something left that had had to wait for the client, in ms. */
  #movedAt = Number.NEGATIVE_INFINITY;
  #idle: NodeJS.Timeout | undefined;
  #age: NodeJS.Timeout | undefined;

  constructor(socket: Socket, options: ConnectionOptions) {
    const { limits, observer, buffers } = options;
    this.#socket = socket;
    this.#options = options;
    this.peer = {
      address: formatSocketAddress({ host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }),
      tls: socket instanceof TLSSocket ? socket : undefined,
    };
    const wire = new SocketWire(socket, (hadToWait) => this.#flushed(hadToWait), CLOSING_MS);
    this.#http2 = new Http2Connection({ limits, wire, buffers, events: this, now: () => performance.now() });
    // What is wrong with a connection ends it, and nothing else.
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      this.#heard();
      this.#http2.push(chunk);
      giveBack(chunk);
    });
    socket.once('close', () => this.#closed());
    observer.connectionOpened(this.peer.address);
    // Those that come together are not asked together.
    this.#pings = setTimeout(() => this.#ping(), limits.pingMs * (1 - Math.random() / 2)).unref();
    this.#expectCalls();
    if (limits.maxAgeMs > 0) {
      const jitter = 1 + AGE_JITTER * (2 * Math.random() - 1);
      this.#age = setTimeout(() => this.#aged(), limits.maxAgeMs * jitter).unref();
    }
    this.#http2.start();
  }

  /** The client is told to open no more streams here (GOAWAY); the connection ends with those that there are. */
  goAway(): void {
    this.#http2.goAway();
  }

  /** At once, whatever is under way. */
  destroy(): void {
    this.#socket.destroy();
  }

  opened(stream: Http2Stream, request: Request): void {
    clearTimeout(this.#idle);
    const refusal = httpRefusal(request);
    if (refusal !== undefined) {
      stream.start({ data: () => undefined, ended: () => undefined, closed: () => this.#expectCalls() });
      return stream.end(encodeHeaders([{ name: ':status', value: String(refusal) }]));
    }
    const { limits, budget, methods } = this.#options;
    const { path, authorization } = request;
    const call = new ServerCall(stream, {
      peer: this.peer,
      limits,
      budget,
      authorization,
      giveUp: () => this.goAway(),
      onClosed: this.#onClosed,
    });
    this.#calls.add(call);
    const method = methods.get(path);
    if (method === undefined) return call.end({ code: STATUS.unimplemented, details: `there is no method ${path}` });
    call.start(method(call));
  }

  flooded(): void {
    this.#giveUp('flood');
  }

  readonly #onClosed = (call: ServerCall): void => {
    this.#calls.delete(call);
    this.#expectCalls();
  };

  /** Whatever it says, its client is alive. */
  #heard(): void {
    clearTimeout(this.#dead);
    this.#dead = undefined;
  }

  #flushed(hadToWait: boolean): void {
    // What leaves at once says nothing of the client.
    if (hadToWait) this.#movedAt = performance.now();
    this.#http2.flushed();
  }

  #ping(): void {
    const { pingMs, pingTimeoutMs } = this.#options.limits;
    this.#pings = setTimeout(() => this.#ping(), pingMs).unref();
    if (this.#dead !== undefined) return;
    this.#expectLife(pingTimeoutMs);
    this.#http2.ping();
  }

  #expectLife(ms: number): void {
    // Where this process was busy for that long, the answer has come and is read before this is decided.
    this.#dead = setTimeout(() => setImmediate(() => this.#decide()), ms).unref();
  }

  /** A sign of life should have come by now. */
  #decide(): void {
    if (this.#dead === undefined || this.#socket.destroyed) return;
    const { pingMs, pingTimeoutMs } = this.#options.limits;
    // The PING stands behind all that a slow client has yet to take.
    const left = this.#movedAt + pingMs + pingTimeoutMs - performance.now();
    if (left > 0) return this.#expectLife(left);
    this.#giveUp('dead');
    this.#socket.destroy();
  }

  #expectCalls(): void {
    clearTimeout(this.#idle);
    if (this.#calls.size > 0 || this.#socket.destroyed) return;
    this.#idle = setTimeout(() => {
      this.#giveUp('idle');
      this.goAway();
    }, this.#options.limits.idleMs).unref();
  }

  #aged(): void {
    this.#giveUp('age');
    this.goAway();
    for (const call of [...this.#calls]) call.age();
    this.#age = setTimeout(() => {
      for (const call of [...this.#calls]) call.expire();
    }, this.#options.limits.ageGraceMs).unref();
  }

  #giveUp(why: GivenUp): void {
    this.#options.observer.connectionGivenUp(this.peer.address, why);
  }

  #closed(): void {
    this.#http2.destroy();
    for (const timer of [this.#pings, this.#dead, this.#idle, this.#age]) clearTimeout(timer);
    this.#options.observer.connectionClosed(this.peer.address);
    this.#options.onClose(this);
  }
}

/** @returns the HTTP status for what is no gRPC request. */
function httpRefusal({ method, contentType }: Request): number | undefined {
  if (method !== 'POST') return 405;
  return /^application\/grpc(?:[+;]|$)/i.test(contentType) ? undefined : 415;
}
