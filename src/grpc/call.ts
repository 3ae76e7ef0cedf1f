/** One call, as the server's end of it: a stream of HTTP/2 with messages in it. */
import type { TLSSocket } from 'node:tls';
import { ERROR } from '../http2/error-code.ts';
import { encodeHeaders } from '../http2/header-encoder.ts';
import type { Http2Stream, StreamHandler } from '../http2/stream.ts';
import type { Frame } from './frame.ts';
import type { GrpcLimits } from './limits.ts';
import { MessageReader } from './message-reader.ts';
import type { ReceiveBudget } from './receive-budget.ts';
import { encodeDetails, STATUS, type Status } from './status.ts';

/** What happens to a call, told to whoever answers it. */
export interface CallHandler {
  /** @param bytes lent: whoever keeps them copies them */
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
  /** The header `authorization`. */
  readonly authorization: string | undefined;
  /** The connection is to be given up by its client. */
  readonly giveUp: () => void;
  /** Nothing is left of the call. */
  readonly onClosed: (call: ServerCall) => void;
}

export class ServerCall implements StreamHandler {
  readonly #stream: Http2Stream;
  readonly #context: CallContext;
  readonly #reader: MessageReader;
  #handler: CallHandler | undefined;
  #messageTimer: NodeJS.Timeout | undefined;
  #lingerTimer: NodeJS.Timeout | undefined;
  #isPaused = false;
  #isEnded = false;

  constructor(stream: Http2Stream, context: CallContext) {
    this.#stream = stream;
    this.#context = context;
    this.#reader = new MessageReader({
      maxBytes: context.limits.maxMessageBytes,
      budget: context.budget,
      onMessage: (bytes) => this.#handler?.message(bytes),
    });
    stream.start(this);
  }

  get peer(): Peer {
    return this.#context.peer;
  }

  /** The header `authorization`. */
  get authorization(): string | undefined {
    return this.#context.authorization;
  }

  /** Of what all calls receive. */
  get budget(): ReceiveBudget {
    return this.#context.budget;
  }

  /** @param handler told from now on. */
  start(handler: CallHandler): void {
    this.#handler = handler;
  }

  /** Messages are told from now on. Until then the client can send as much as its window holds. */
  read(): void {
    this.#stream.read();
  }

  /** No more messages but those that have come, until {@link resume}. */
  pause(): void {
    this.#isPaused = true;
    this.#stream.pause();
    this.#timeMessage();
  }

  resume(): void {
    this.#isPaused = false;
    this.#stream.read();
    this.#timeMessage();
  }

  /** No more streams on this connection; it ends with those that there are. */
  giveUpConnection(): void {
    this.#context.giveUp();
  }

  /** @returns whether a frame is on its way out: then there must not be another one. */
  get isWriting(): boolean {
    return this.#stream.outgoing.isWriting;
  }

  /**
   * @param done called when all of it has left the process, which may be before this returns, unless the call ends before:
   * until then the client, or the way to it, holds things up (F2).
   * @param moved called whenever some of it has left (F3)
   */
  write({ parts, length }: Frame, done: () => void, moved?: () => void): void {
    const stream = this.#stream;
    // What is over may not have been told yet.
    if (this.#isEnded || stream.isClosed) return;
    if (this.isWriting) throw new Error('A call sends one message after the other.');
    if (!stream.hasResponded) stream.respond(HEADERS);
    const left = (): void => {
      if (!this.#isEnded) done();
    };
    stream.write(parts, length, left, moved);
  }

  /** What was written goes out before it. */
  end({ code, details }: Status): void {
    if (this.#isEnded) return;
    this.#finish();
    const stream = this.#stream;
    if (stream.isClosed) return;
    const status = [{ name: 'grpc-status', value: String(code) }];
    if (details !== '') status.push({ name: 'grpc-message', value: encodeDetails(details) });
    const head = stream.hasResponded ? [] : code === STATUS.unimplemented ? [...RESPONSE, ACCEPTED] : RESPONSE;
    stream.end(encodeHeaders([...head, ...status]));
    // A client that takes nothing does not take this either.
    if (stream.isClosed) return;
    this.#lingerTimer = setTimeout(() => stream.reset(ERROR.cancel), this.#context.limits.lingerMs).unref();
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

  // What its stream tells.

  data(bytes: Buffer): void {
    if (this.#isEnded) return;
    const problem = this.#reader.push(bytes);
    if (problem !== undefined) return this.#fail(problem);
    this.#timeMessage();
  }

  ended(): void {
    if (!this.#isEnded) this.#handler?.halfClosed();
  }

  closed(): void {
    clearTimeout(this.#lingerTimer);
    if (!this.#isEnded) {
      this.#finish();
      this.#handler?.cancelled(undefined);
    }
    this.#context.onClosed(this);
  }

  /** Has a message that was begun complete within a time, where it is read at all. */
  #timeMessage(): void {
    const isAwaited = this.#reader.isWithin && !this.#isPaused && !this.#isEnded;
    if (isAwaited === (this.#messageTimer !== undefined)) return;
    clearTimeout(this.#messageTimer);
    this.#messageTimer = isAwaited ? this.#expectMessage() : undefined;
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

  #finish(): void {
    this.#isEnded = true;
    this.#reader.end();
    clearTimeout(this.#messageTimer);
  }
}

const RESPONSE = [
  { name: ':status', value: '200' },
  { name: 'content-type', value: 'application/grpc' },
];
const ACCEPTED = { name: 'grpc-accept-encoding', value: 'identity' };
const HEADERS = encodeHeaders(RESPONSE);
