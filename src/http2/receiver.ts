/** What a client may say, and when: from bytes to what a connection does about them. */
import type { HowClosed } from './closed-streams.ts';
import { ERROR, type ErrorCode } from './error-code.ts';
import { FLAG, MAX_WINDOW, TYPE } from './frame.ts';
import { frameProblem } from './frame-check.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { HeaderBlocks } from './header-blocks.ts';
import { HeaderDecoder } from './header-decoder.ts';
import { type HeaderLimits, RequestFields } from './request.ts';
import { type ClientSettings, readSettings } from './settings.ts';
import type { Http2Stream } from './stream.ts';

/** What there is to be done about it. */
export interface ReceivingConnection {
  /** The highest number that a stream of the client has had. */
  readonly lastStream: number;
  stream(id: number): Http2Stream | undefined;
  howClosed(id: number): HowClosed | undefined;
  open(id: number, fields: RequestFields, isEnd: boolean): void;
  /** @returns false: more than the window of the connection. */
  expect(length: number): boolean;
  consumed(bytes: number): void;
  /** @returns false: more than there can be. */
  widen(bytes: number): boolean;
  /** As {@link widen}, of every stream. */
  settle(settings: ClientSettings): boolean;
  wasReset(id: number): void;
  acknowledgeSettings(): void;
  pinged(payload: Buffer): void;
  ponged(payload: Buffer): void;
  /** It asks for no answer, or does nothing. */
  bear(): void;
  /** It ends its stream. */
  wrong(id: number, code: ErrorCode): void;
  /** It ends the connection. */
  fail(code: ErrorCode, reason: string): void;
  flood(reason: string): void;
}

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

export class Receiver implements FrameSink {
  readonly #connection: ReceivingConnection;
  readonly #limits: HeaderLimits;
  readonly #reader: FrameReader;
  readonly #blocks: HeaderBlocks;
  readonly #headers = new HeaderDecoder();
  /** Of the preface, in bytes. */
  #prefaceRead = 0;
  #hasSettings = false;
  /** Whose DATA is being read; undefined: nobody's. */
  #receiving: Http2Stream | undefined;
  #isOver = false;

  constructor(connection: ReceivingConnection, limits: HeaderLimits) {
    this.#connection = connection;
    this.#limits = limits;
    this.#reader = new FrameReader(this);
    this.#blocks = new HeaderBlocks(limits.maxHeaderBytes);
  }

  push(chunk: Buffer): void {
    const from = this.#prefaceRead < PREFACE.length ? this.#readPreface(chunk) : 0;
    if (from < chunk.length) this.#reader.push(from === 0 ? chunk : chunk.subarray(from));
  }

  /** Nothing more is read. */
  end(): void {
    this.#isOver = true;
    this.#reader.end();
  }

  frameTooLong(): void {
    this.#connection.fail(ERROR.frameSize, 'a frame is too long');
  }

  frame(type: number, flags: number, stream: number, payload: Buffer): void {
    if (!this.#mayCome(type, flags, stream, payload.length)) return;
    if (type === TYPE.data) this.#padded(stream, flags, payload);
    else if (type === TYPE.headers) this.#began(stream, flags, payload);
    else if (type === TYPE.continuation) this.#block(this.#blocks.continue(stream, flags, payload));
    else if (type === TYPE.settings) this.#settings(flags, payload);
    else if (type === TYPE.windowUpdate) this.#widened(stream, payload.readUInt32BE(0) & MAX_WINDOW);
    else if (type === TYPE.reset) this.#wasReset(stream);
    else if (type === TYPE.ping) this.#pinged(flags, payload);
    // PRIORITY, by which nobody goes any more; GOAWAY, after which the client closes the connection; and what is not known.
    else this.#connection.bear();
  }

  dataBegins(id: number, flags: number, length: number): void {
    if (this.#mayCome(TYPE.data, flags, id, length)) this.#receive(id, flags, length, length);
  }

  dataPiece(_id: number, bytes: Buffer): void {
    this.#receiving?.receive(bytes);
  }

  dataEnds(_id: number, flags: number): void {
    const stream = this.#receiving;
    this.#receiving = undefined;
    if (stream !== undefined && !stream.isClosed && (flags & FLAG.endStream) !== 0) this.#end(stream);
  }

  /** @returns whether such a frame may come now. */
  #mayCome(type: number, flags: number, stream: number, length: number): boolean {
    const problem = this.#problem(type, flags, stream, length);
    if (problem !== undefined) this.#connection.fail(problem, `no frame of type ${type} may come like this, or now`);
    return !this.#isOver;
  }

  #problem(type: number, flags: number, stream: number, length: number): ErrorCode | undefined {
    const isFirst = !this.#hasSettings;
    this.#hasSettings = true;
    if (isFirst && (type !== TYPE.settings || (flags & FLAG.ack) !== 0)) return ERROR.protocol;
    const { open } = this.#blocks;
    if (open !== undefined && (type !== TYPE.continuation || open !== stream)) return ERROR.protocol;
    return frameProblem(type, flags, stream, length);
  }

  /** @returns where it ends in the chunk. */
  #readPreface(chunk: Buffer): number {
    const length = Math.min(PREFACE.length - this.#prefaceRead, chunk.length);
    const isRight = PREFACE.compare(chunk, 0, length, this.#prefaceRead, this.#prefaceRead + length) === 0;
    this.#prefaceRead += length;
    if (isRight) return length;
    this.#connection.fail(ERROR.protocol, 'this is a server of HTTP/2');
    return chunk.length;
  }

  #padded(id: number, flags: number, payload: Buffer): void {
    const padding = payload[0] ?? 0;
    const body = payload.length - 1 - padding;
    if (body < 0) return this.#connection.fail(ERROR.protocol, 'more padding than there is');
    this.#receive(id, flags, payload.length, body);
    this.#receiving?.pad(1 + padding);
    if (body > 0) this.dataPiece(id, payload.subarray(1, 1 + body));
    this.dataEnds(id, flags);
  }

  #receive(id: number, flags: number, length: number, body: number): void {
    const connection = this.#connection;
    if (!connection.expect(length)) return connection.fail(ERROR.flowControl, 'more than the window of the connection');
    if (id > connection.lastStream) return connection.fail(ERROR.protocol, 'DATA without a stream');
    if (body === 0 && (flags & FLAG.endStream) === 0) connection.bear();
    const stream = connection.stream(id);
    const excess = stream === undefined || stream.hasEnded ? undefined : stream.expect(length, body);
    if (stream !== undefined && !stream.hasEnded && excess === undefined) {
      this.#receiving = stream;
      return;
    }
    connection.consumed(length);
    if (stream?.hasEnded === true || connection.howClosed(id) === 'ended') connection.wrong(id, ERROR.streamClosed);
    else if (excess !== undefined) connection.wrong(id, excess === 'window' ? ERROR.flowControl : ERROR.protocol);
    // What was reset is late. Nobody hears of it, but it must not go on forever.
    else connection.bear();
  }

  #began(id: number, flags: number, payload: Buffer): void {
    if (id % 2 === 0) return this.#connection.fail(ERROR.protocol, 'no stream of a client has this number');
    this.#block(this.#blocks.begin(id, flags, payload));
  }

  #block(block: ReturnType<HeaderBlocks['begin']>): void {
    const connection = this.#connection;
    if (block === undefined) return;
    if (block === ERROR.enhanceYourCalm) return connection.flood('the headers are too long');
    if (typeof block === 'number') return connection.fail(block, 'these are no headers');
    const { stream: id, isEnd, bytes } = block;
    const stream = connection.stream(id);
    const fields = new RequestFields(this.#limits, stream !== undefined);
    if (!this.#headers.decode(bytes, fields.add)) return connection.fail(ERROR.compression, 'the headers cannot be decoded');
    if (stream !== undefined) return this.#trailers(stream, fields, isEnd);
    if (id > connection.lastStream) return connection.open(id, fields, isEnd);
    const how = connection.howClosed(id);
    if (how === 'reset') connection.bear();
    else connection.fail(how === 'ended' ? ERROR.streamClosed : ERROR.protocol, 'the stream is over');
  }

  #trailers(stream: Http2Stream, fields: RequestFields, isEnd: boolean): void {
    if (stream.hasEnded) this.#connection.wrong(stream.id, ERROR.streamClosed);
    else if (!isEnd || fields.trailersProblem() !== undefined) this.#connection.wrong(stream.id, ERROR.protocol);
    else this.#end(stream);
  }

  #end(stream: Http2Stream): void {
    if (!stream.receiveEnd()) this.#connection.wrong(stream.id, ERROR.protocol);
  }

  #settings(flags: number, payload: Buffer): void {
    const connection = this.#connection;
    if ((flags & FLAG.ack) !== 0) return connection.bear();
    const settings = readSettings(payload);
    if (typeof settings === 'number') return connection.fail(settings, 'SETTINGS that cannot be');
    if (connection.settle(settings)) connection.acknowledgeSettings();
    else connection.fail(ERROR.flowControl, 'a window is too large');
  }

  #widened(id: number, bytes: number): void {
    const connection = this.#connection;
    if (id === 0) {
      if (bytes === 0) connection.fail(ERROR.protocol, 'a window that does not grow');
      else if (!connection.widen(bytes)) connection.fail(ERROR.flowControl, 'the window is too large');
      return;
    }
    if (id > connection.lastStream) return connection.fail(ERROR.protocol, 'WINDOW_UPDATE without a stream');
    const stream = connection.stream(id);
    if (stream === undefined) return;
    if (bytes === 0) connection.wrong(id, ERROR.protocol);
    else if (!stream.widen(bytes)) connection.wrong(id, ERROR.flowControl);
  }

  #wasReset(id: number): void {
    if (id > this.#connection.lastStream) this.#connection.fail(ERROR.protocol, 'RST_STREAM without a stream');
    else this.#connection.wasReset(id);
  }

  #pinged(flags: number, payload: Buffer): void {
    if ((flags & FLAG.ack) === 0) this.#connection.pinged(payload);
    else this.#connection.ponged(payload);
  }
}
