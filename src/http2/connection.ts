/**
 * The server's side of one connection of HTTP/2 (RFC 9113): bytes in, streams and bytes out. It knows no socket and no
 * clock. What a client does wrong ends its stream or its connection, and is never thrown.
 */
import type { Buffers } from './buffers.ts';
import { ClosedStreams, type HowClosed } from './closed-streams.ts';
import { ERROR, type ErrorCode } from './error-code.ts';
import { DEFAULT_WINDOW, FLAG, frameOf, goAwayFrame, numberFrame, TYPE } from './frame.ts';
import { Outbound, type Wire } from './outbound.ts';
import type { Outgoing } from './outgoing.ts';
import { Patience, type PatienceLimits } from './patience.ts';
import { Receiver, type ReceivingConnection } from './receiver.ts';
import type { HeaderLimits, Request, RequestFields } from './request.ts';
import { type ClientSettings, settingsFrame } from './settings.ts';
import { Http2Stream, type StreamOwner, type Windows } from './stream.ts';

export interface Http2Limits extends PatienceLimits, HeaderLimits {
  /** At once. */
  readonly maxStreams: number;
}

/** What happens on a connection, told to whoever has its socket. */
export interface ConnectionEvents {
  /** A request has come; {@link Http2Stream.start} says who is told of the rest. */
  opened(stream: Http2Stream, request: Request): void;
  /** The connection ends because its client sends too much of what there is no use for. */
  flooded(): void;
}

export interface ConnectionOptions {
  readonly limits: Http2Limits;
  readonly wire: Wire;
  readonly buffers: Buffers;
  readonly events: ConnectionEvents;
  /** ms, from whenever */
  readonly now: () => number;
}

/**
 * What a client may send before it is read, in bytes: on one stream, and on all of the connection. Once it is read it may
 * be more: who comes back says a megabyte, and each time that it is given room costs both ends a write.
 */
const WINDOWS: Windows = { initial: 64 * 1024, read: 1024 * 1024 };
const CONNECTION_WINDOWS: Windows = { initial: 256 * 1024, read: 1024 * 1024 };
const PING = Buffer.from('detour!!');
const NOTHING = Buffer.alloc(0);

export class Http2Connection implements ReceivingConnection, StreamOwner {
  /** The highest number that a stream of the client has had. */
  lastStream = 0;
  readonly #limits: Http2Limits;
  readonly #events: ConnectionEvents;
  readonly #out: Outbound;
  readonly #receiver: Receiver;
  readonly #patience: Patience;
  readonly #streams = new Map<number, Http2Stream>();
  readonly #closed = new ClosedStreams();
  /** Of each new stream: what the client takes. */
  #initialWindow = DEFAULT_WINDOW;
  /** What the client may send on all streams, of how much it was given; and what is used up and was not given back. */
  #window = CONNECTION_WINDOWS.initial;
  #size = CONNECTION_WINDOWS.initial;
  #used = 0;
  #isGoingAway = false;
  #isOver = false;

  constructor({ limits, wire, buffers, events, now }: ConnectionOptions) {
    this.#limits = limits;
    this.#events = events;
    this.#out = new Outbound(wire, buffers);
    this.#receiver = new Receiver(this, limits);
    this.#patience = new Patience(limits, now);
  }

  /** Says what a server says first. */
  start(): void {
    const { maxStreams, maxHeaderBytes } = this.#limits;
    this.control(settingsFrame({ maxStreams, initialWindow: WINDOWS.initial, maxHeaderList: maxHeaderBytes }));
    this.control(numberFrame(TYPE.windowUpdate, 0, CONNECTION_WINDOWS.initial - DEFAULT_WINDOW));
    this.flush();
  }

  /** What the client sent, lent. All that is said to it meanwhile goes out together. */
  push(chunk: Buffer): void {
    if (this.#isOver) return;
    this.#out.hold();
    this.#receiver.push(chunk);
    this.#out.release();
  }

  /** What was written has left. */
  flushed(): void {
    this.#out.flushed();
  }

  ping(): void {
    this.control(frameOf(TYPE.ping, 0, 0, PING));
    this.flush();
  }

  /** The client is told to open no more streams; the connection ends with those that there are. */
  goAway(): void {
    if (this.#isOver || this.#isGoingAway) return;
    this.#isGoingAway = true;
    this.control(goAwayFrame(this.lastStream, ERROR.none, ''));
    this.#endIfLast();
    this.flush();
  }

  /** The socket is gone. */
  destroy(): void {
    this.#isOver = true;
    this.#receiver.end();
    for (const stream of [...this.#streams.values()]) stream.close();
    this.#streams.clear();
  }

  // What its streams ask of it.

  consumed(bytes: number): void {
    this.#used += bytes;
    if (this.#used < this.#size / 2) return;
    const more = this.#used + CONNECTION_WINDOWS.read - this.#size;
    this.control(numberFrame(TYPE.windowUpdate, 0, more));
    this.#window += more;
    this.#size = CONNECTION_WINDOWS.read;
    this.#used = 0;
  }

  control(frame: Buffer): void {
    if (!this.#isOver && !this.#out.control(frame)) this.flood('what it asks for is not read');
  }

  say(outgoing: Outgoing): void {
    this.#patience.renew();
    this.goOn(outgoing);
  }

  goOn(outgoing: Outgoing): void {
    this.#out.enqueue(outgoing);
    this.#out.flush();
  }

  flush(): void {
    this.#out.flush();
  }

  reset(stream: Http2Stream, code: ErrorCode): void {
    this.control(numberFrame(TYPE.reset, stream.id, code));
    this.#close(stream, 'reset');
    this.flush();
  }

  ended(stream: Http2Stream): void {
    this.#close(stream, stream.hasEnded ? 'ended' : 'reset');
  }

  // What its receiver tells.

  stream(id: number): Http2Stream | undefined {
    return this.#streams.get(id);
  }

  howClosed(id: number): HowClosed | undefined {
    return this.#closed.get(id);
  }

  open(id: number, fields: RequestFields, isEnd: boolean): void {
    this.lastStream = id;
    // It was told that what it opens now is not looked at.
    if (this.#isGoingAway) return this.#closed.add(id, 'reset');
    if (this.#streams.size >= this.#limits.maxStreams) return this.wrong(id, ERROR.refusedStream);
    const request = fields.result();
    if (request === 'malformed') return this.wrong(id, ERROR.protocol);
    if (request === 'excess') return this.wrong(id, ERROR.enhanceYourCalm);
    const stream = new Http2Stream(id, this, WINDOWS, this.#initialWindow, request.contentLength);
    this.#streams.set(id, stream);
    // Who answers is told of the end when the stream is read.
    if (isEnd && !stream.receiveEnd()) return this.wrong(id, ERROR.protocol);
    this.#events.opened(stream, request);
  }

  expect(length: number): boolean {
    if (length > this.#window) return false;
    this.#window -= length;
    return true;
  }

  widen(bytes: number): boolean {
    return this.#out.widen(bytes);
  }

  settle({ initialWindow = this.#initialWindow, maxFrame, hasSmallTable }: ClientSettings): boolean {
    if (hasSmallTable) this.#out.shrinkTable();
    if (maxFrame !== undefined) this.#out.maxFrame = maxFrame;
    const more = initialWindow - this.#initialWindow;
    this.#initialWindow = initialWindow;
    return [...this.#streams.values()].every((stream) => stream.widen(more));
  }

  acknowledgeSettings(): void {
    if (this.#bears()) this.control(frameOf(TYPE.settings, FLAG.ack, 0, NOTHING));
  }

  pinged(payload: Buffer): void {
    if (this.#bears()) this.control(frameOf(TYPE.ping, FLAG.ack, 0, payload));
  }

  ponged(payload: Buffer): void {
    if (!payload.equals(PING)) this.bear();
  }

  wasReset(id: number): void {
    const stream = this.#streams.get(id);
    if (stream !== undefined) this.#close(stream, 'ended');
    if (!this.#patience.bearsReset()) this.flood('streams are opened and reset');
  }

  bear(): void {
    this.#bears();
  }

  wrong(id: number, code: ErrorCode): void {
    this.control(numberFrame(TYPE.reset, id, code));
    const stream = this.#streams.get(id);
    if (stream === undefined) this.#closed.add(id, 'reset');
    else this.#close(stream, 'reset');
    if (!this.#patience.bearsReset()) this.flood('streams are opened and done wrong');
  }

  fail(code: ErrorCode, reason: string): void {
    if (!this.#isOver) this.#over(goAwayFrame(this.lastStream, code, reason));
  }

  flood(reason: string): void {
    if (this.#isOver) return;
    this.#events.flooded();
    this.fail(ERROR.enhanceYourCalm, reason);
  }

  /** One more frame that asks for an answer, or does nothing. @returns whether the connection goes on. */
  #bears(): boolean {
    if (this.#isSending() || this.#patience.bearsFrame()) return true;
    this.flood('more frames than there is a use for');
    return false;
  }

  #isSending(): boolean {
    for (const { outgoing } of this.#streams.values()) if (outgoing.isWriting) return true;
    return false;
  }

  #close(stream: Http2Stream, how: HowClosed): void {
    this.#streams.delete(stream.id);
    this.#closed.add(stream.id, how);
    stream.close();
    this.#endIfLast();
  }

  #endIfLast(): void {
    if (this.#isGoingAway && !this.#isOver && this.#streams.size === 0) this.#over(undefined);
  }

  #over(frame: Buffer | undefined): void {
    this.destroy();
    this.#out.last(frame);
  }
}
