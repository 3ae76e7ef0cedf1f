/** One call, as the server's end of it: a stream of HTTP/2 with messages in it. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Frame } from './frame.ts';
import type { GrpcLimits } from './limits.ts';
import { MessageReader } from './message-reader.ts';
import type { ReceiveBudget } from './receive-budget.ts';
import { encodeDetails, STATUS, type Status } from './status.ts';

/** What happens to a call, told to whoever answers it. */
export interface CallHandler {
  message(bytes: Buffer): void;
  /** The client has said all that it has to say. */
  halfClosed(): void;
  /**
   * Over, and nothing may be said any more. Not told after {@link ServerCall.end}.
   * @param problem what the client did, and was told; undefined: it has given the call up, or the connection broke
   */
  cancelled(problem: Status | undefined): void;
  /** The connection has reached its age: end soon, or be ended. */
  aged(): void;
}

/** Answers the calls of one path. Nothing is read, and nothing told but the end, before {@link ServerCall.read}. */
export type Method = (call: ServerCall) => CallHandler;

/** Of the connection that a call came on. */
export interface Peer {
  /** `10.0.0.1:40000` */
  readonly address: string;
  /** undefined without TLS. */
  readonly tls: TLSSocket | undefined;
}

export interface CallContext {
  readonly peer: Peer;
  readonly limits: GrpcLimits;
  readonly budget: ReceiveBudget;
  /** Something goes out on this connection. */
  readonly onWrite: () => void;
  /** The connection is to be given up by its client. */
  readonly giveUp: () => void;
}

export class ServerCall {
  readonly peer: Peer;
  /** The header `authorization`. */
  readonly authorization: string | undefined;
  readonly #stream: ServerHttp2Stream;
  readonly #context: CallContext;
  readonly #reader: MessageReader;
  #handler: CallHandler | undefined;
  /** Of the frame that is on its way out. */
  #done: (() => void) | undefined;
  #trailers: Record<string, string> | undefined;
  #messageTimer: NodeJS.Timeout | undefined;
  #isEnded = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, context: CallContext) {
    this.#stream = stream;
    this.#context = context;
    this.peer = context.peer;
    this.authorization = headers.authorization;
    this.#reader = new MessageReader({
      maxBytes: context.limits.maxMessageBytes,
      budget: context.budget,
      onMessage: (bytes) => this.#handler?.message(bytes),
    });
    // What broke is told by `close`.
    stream.on('error', () => undefined);
    stream.on('aborted', () => this.#broke());
    stream.on('close', () => this.#broke());
    stream.on('wantTrailers', () => this.#sendTrailers());
  }

  /** @param handler told from now on. */
  start(handler: CallHandler): void {
    this.#handler = handler;
  }

  /** Messages are told from now on. Until then the client can send as much as its window holds. */
  read(): void {
    this.#stream.on('data', (chunk: Buffer) => this.#receive(chunk));
    this.#stream.on('end', () => {
      if (!this.#isEnded) this.#handler?.halfClosed();
    });
  }

  /** No more messages but those that have come, until {@link resume}. */
  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  /** No more streams on this connection; it ends with those that there are. */
  giveUpConnection(): void {
    this.#context.giveUp();
  }

  /** @returns whether a frame is on its way out: then there must not be another one. */
  get isWriting(): boolean {
    return this.#done !== undefined;
  }

  /**
   * @param done called when all of it has left the process, unless the call ends before: until then the client, or the
   * way to it, holds things up (F2).
   */
  write({ parts }: Frame, done: () => void): void {
    const stream = this.#stream;
    // What is over may not have been told yet.
    if (this.#isEnded || stream.destroyed || stream.closed) return;
    if (this.#done !== undefined) throw new Error('A call sends one message after the other.');
    if (!stream.headersSent) stream.respond(HEADERS, { waitForTrailers: true });
    this.#context.onWrite();
    this.#done = done;
    const last = parts.length - 1;
    if (last > 0) stream.cork();
    for (let index = 0; index < last; index += 1) stream.write(parts[index]);
    stream.write(parts[last], this.#written);
    if (last > 0) stream.uncork();
  }

  /** What was written goes out before it. */
  end({ code, details }: Status): void {
    if (this.#isEnded) return;
    this.#finish();
    const stream = this.#stream;
    if (stream.destroyed || stream.closed) return;
    const trailers = { 'grpc-status': String(code), ...(details === '' ? {} : { 'grpc-message': encodeDetails(details) }) };
    if (stream.headersSent) {
      this.#trailers = trailers;
      stream.end();
    } else {
      const accepted = code === STATUS.unimplemented ? ACCEPTED : {};
      stream.respond({ ...HEADERS, ...accepted, ...trailers }, { endStream: true });
      this.#giveUpRequest();
    }
    // A client that takes nothing does not take this either.
    const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), this.#context.limits.lingerMs).unref();
    stream.once('close', () => clearTimeout(timer));
  }

  /** The connection has reached its age. */
  age(): void {
    if (!this.#isEnded) this.#handler?.aged();
  }

  /** The grace of an aged connection is over. */
  expire(): void {
    if (!this.#isEnded)
      this.#fail({ code: STATUS.unavailable, details: 'The connection has reached its age: open another one.' });
  }

  readonly #written = (error?: Error | null): void => {
    if (error != null) return;
    const done = this.#done;
    this.#done = undefined;
    if (!this.#isEnded) done?.();
  };

  #receive(chunk: Buffer): void {
    if (this.#isEnded) return;
    const problem = this.#reader.push(chunk);
    if (problem !== undefined) return this.#fail(problem);
    if (this.#reader.isWithin === (this.#messageTimer !== undefined)) return;
    clearTimeout(this.#messageTimer);
    this.#messageTimer = this.#reader.isWithin ? this.#expectMessage() : undefined;
  }

  #expectMessage(): NodeJS.Timeout {
    const { messageMs } = this.#context.limits;
    const details = `a message was begun and not completed within ${messageMs / 1000} s`;
    return setTimeout(() => this.#fail({ code: STATUS.deadlineExceeded, details }), messageMs).unref();
  }

  /** Ended by what the client did. */
  #fail(problem: Status): void {
    this.end(problem);
    this.#handler?.cancelled(problem);
  }

  #broke(): void {
    if (this.#isEnded) return;
    this.#finish();
    this.#handler?.cancelled(undefined);
  }

  #finish(): void {
    this.#isEnded = true;
    this.#reader.end();
    clearTimeout(this.#messageTimer);
  }

  #sendTrailers(): void {
    if (this.#trailers === undefined || this.#stream.destroyed || this.#stream.closed) return;
    this.#stream.sendTrailers(this.#trailers);
    this.#giveUpRequest();
  }

  /** All is said: what the client still sends is not read. */
  #giveUpRequest(): void {
    const stream = this.#stream;
    // The reset would overtake the trailers, which are being written now.
    setImmediate(() => {
      if (!stream.readableEnded && !stream.closed) stream.close(constants.NGHTTP2_NO_ERROR);
    });
  }
}

const HEADERS = { ':status': 200, 'content-type': 'application/grpc' } as const;
const ACCEPTED = { 'grpc-accept-encoding': 'identity' } as const;
