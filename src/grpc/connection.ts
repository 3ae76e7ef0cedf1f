/** One connection: its calls, whether it is alive, when it is to end, and what its client may do. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import { TLSSocket } from 'node:tls';
import { formatSocketAddress } from '../model/socket-address.ts';
import { type Method, type Peer, ServerCall } from './call.ts';
import type { GrpcLimits } from './limits.ts';
import type { GivenUp, GrpcObserver } from './observer.ts';
import type { ReceiveBudget } from './receive-budget.ts';
import { STATUS } from './status.ts';
import { TokenBucket } from './token-bucket.ts';

export interface ConnectionOptions {
  readonly methods: ReadonlyMap<string, Method>;
  readonly limits: GrpcLimits;
  readonly budget: ReceiveBudget;
  readonly observer: GrpcObserver;
  readonly onClose: (connection: Connection) => void;
}

/** Of the age at which a connection ends, more or less, so that those that came together do not go together (F6). */
const AGE_JITTER = 0.2;

export class Connection {
  readonly peer: Peer;
  readonly #session: ServerHttp2Session;
  readonly #options: ConnectionOptions;
  readonly #calls = new Set<ServerCall>();
  readonly #control: TokenBucket;
  #pings: NodeJS.Timeout | undefined;
  #dead: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #age: NodeJS.Timeout | undefined;

  constructor(session: ServerHttp2Session, options: ConnectionOptions) {
    const { socket } = session;
    const { limits, observer } = options;
    this.#session = session;
    this.#options = options;
    this.peer = {
      address: formatSocketAddress({ host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }),
      tls: socket instanceof TLSSocket ? socket : undefined,
    };
    this.#control = new TokenBucket(limits.controlBurst, limits.controlRate, performance.now());
    // What is wrong with a connection ends it, and nothing else.
    session.on('error', () => undefined);
    session.on('ping', () => this.#controlled());
    session.on('remoteSettings', () => this.#controlled());
    session.on('stream', (stream, headers) => this.#open(stream, headers));
    session.once('close', () => this.#closed());
    observer.connectionOpened(this.peer.address);
    // Those that come together are not asked together.
    this.#pings = setTimeout(() => this.#ping(), limits.pingMs * (1 - Math.random() / 2)).unref();
    this.#expectCalls();
    if (limits.maxAgeMs > 0) {
      const jitter = 1 + AGE_JITTER * (2 * Math.random() - 1);
      this.#age = setTimeout(() => this.#aged(), limits.maxAgeMs * jitter).unref();
    }
  }

  /** The client is told to open no more streams here (GOAWAY); the connection ends with those that there are. */
  goAway(): void {
    if (!this.#session.destroyed) this.#session.close();
  }

  /** At once, whatever is under way. */
  destroy(): void {
    this.#session.destroy();
  }

  #open(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    clearTimeout(this.#idle);
    const refusal = httpRefusal(headers);
    if (refusal !== undefined) {
      stream.on('error', () => undefined);
      stream.respond({ ':status': refusal }, { endStream: true });
      stream.once('close', () => this.#expectCalls());
      return stream.close(constants.NGHTTP2_NO_ERROR);
    }
    const { limits, budget, methods } = this.#options;
    const call = new ServerCall(stream, headers, {
      peer: this.peer,
      limits,
      budget,
      onWrite: this.#onWrite,
      giveUp: () => this.goAway(),
    });
    this.#calls.add(call);
    stream.once('close', () => {
      this.#calls.delete(call);
      this.#expectCalls();
    });
    const path = headers[':path'] ?? '';
    const method = methods.get(path);
    if (method === undefined) return call.end({ code: STATUS.unimplemented, details: `there is no method ${path}` });
    call.start(method(call));
  }

  readonly #onWrite = (): void => {
    // A client may measure the way with a PING whenever something comes.
    this.#control.fill();
  };

  /** The client sent PING or SETTINGS, which were answered. */
  #controlled(): void {
    const isBusy = [...this.#calls].some(({ isWriting }) => isWriting);
    if (isBusy || this.#control.take(performance.now())) return;
    this.#giveUp('flood');
    this.#session.destroy(new Error('more of PING or SETTINGS than there is a use for'), constants.NGHTTP2_ENHANCE_YOUR_CALM);
  }

  #ping(): void {
    const { pingMs, pingTimeoutMs } = this.#options.limits;
    this.#pings = setTimeout(() => this.#ping(), pingMs).unref();
    if (this.#dead !== undefined || this.#session.destroyed) return;
    // Where this process was busy for that long, the answer has come and is read before this is decided.
    this.#dead = setTimeout(() => setImmediate(() => this.#decide()), pingTimeoutMs).unref();
    this.#session.ping((error) => {
      if (error !== null) return;
      clearTimeout(this.#dead);
      this.#dead = undefined;
    });
  }

  /** A sign of life should have come by now. */
  #decide(): void {
    if (this.#dead === undefined || this.#session.destroyed) return;
    this.#giveUp('dead');
    this.#session.destroy();
  }

  #expectCalls(): void {
    clearTimeout(this.#idle);
    if (this.#calls.size > 0 || this.#session.destroyed) return;
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
    for (const timer of [this.#pings, this.#dead, this.#idle, this.#age]) clearTimeout(timer);
    this.#options.observer.connectionClosed(this.peer.address);
    this.#options.onClose(this);
  }
}

/** @returns the HTTP status for what is no gRPC request. */
function httpRefusal(headers: IncomingHttpHeaders): number | undefined {
  if (headers[':method'] !== 'POST') return constants.HTTP_STATUS_METHOD_NOT_ALLOWED;
  const isGrpc = /^application\/grpc(?:[+;]|$)/i.test(headers['content-type'] ?? '');
  return isGrpc ? undefined : constants.HTTP_STATUS_UNSUPPORTED_MEDIA_TYPE;
}
