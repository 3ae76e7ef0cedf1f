/** A connection without a socket: what its client said and is told, and what happened on it. */
import { Buffers } from '../../../src/http2/buffers.ts';
import { Http2Connection, type Http2Limits } from '../../../src/http2/connection.ts';
import { TYPE } from '../../../src/http2/frame.ts';
import type { Wire } from '../../../src/http2/outbound.ts';
import type { Request } from '../../../src/http2/request.ts';
import type { Http2Stream, StreamHandler } from '../../../src/http2/stream.ts';
import { framesIn, type SeenFrame } from './frames.ts';

export const LIMITS: Http2Limits = {
  maxStreams: 10,
  controlBurst: 20,
  controlRate: 1,
  resetBurst: 10,
  resetRate: 1,
  maxHeaderBytes: 16 * 1024,
  maxHeaders: 64,
};

export class LabStream implements StreamHandler {
  readonly stream: Http2Stream;
  readonly request: Request;
  readonly chunks: Buffer[] = [];
  readonly happened: string[] = [];

  constructor(stream: Http2Stream, request: Request) {
    this.stream = stream;
    this.request = request;
  }

  get text(): string {
    return Buffer.concat(this.chunks).toString('latin1');
  }

  data(bytes: Buffer): void {
    this.chunks.push(Buffer.from(bytes));
  }

  ended(): void {
    this.happened.push('ended');
  }

  closed(): void {
    this.happened.push('closed');
  }
}

export class Http2Lab implements Wire {
  readonly connection: Http2Connection;
  readonly streams: LabStream[] = [];
  readonly happened: string[] = [];
  /** Whether what is written leaves at once. */
  isOpen = true;
  isEnded = false;
  now = 0;
  writes = 0;
  #written: Buffer[] = [];

  /** @param isReading whether streams are read from their beginning */
  constructor(limits: Partial<Http2Limits> = {}, isReading = true) {
    this.connection = new Http2Connection({
      limits: { ...LIMITS, ...limits },
      wire: this,
      buffers: new Buffers(),
      now: () => this.now,
      events: {
        opened: (stream, request) => {
          const seen = new LabStream(stream, request);
          this.streams.push(seen);
          stream.start(seen);
          if (isReading) stream.read();
        },
        flooded: () => this.happened.push('flooded'),
      },
    });
    this.connection.start();
  }

  write(pieces: readonly Buffer[]): boolean {
    if (this.isEnded) throw new Error('something is written after the end');
    this.writes += 1;
    this.#written.push(Buffer.concat(pieces));
    return this.isOpen;
  }

  end(): void {
    if (this.isEnded) throw new Error('it ends twice');
    this.isEnded = true;
  }

  push(...frames: readonly Buffer[]): this {
    this.connection.push(Buffer.concat(frames));
    return this;
  }

  /** Frames since the last look. */
  seen(): readonly SeenFrame[] {
    const bytes = Buffer.concat(this.#written);
    this.#written = [];
    return framesIn(bytes);
  }

  /** Since the last look: `type/stream` of all frames. */
  kinds(): readonly string[] {
    const names = new Map<number, string>(Object.entries(TYPE).map(([name, type]) => [type, name]));
    return this.seen().map(({ type, stream }) => `${names.get(type)}/${stream}`);
  }

  /** The code that the connection ended with; undefined: it goes on. */
  failure(): number | undefined {
    const frame = this.seen().findLast(({ type }) => type === TYPE.goAway);
    return this.isEnded ? frame?.payload.readUInt32BE(4) : undefined;
  }

  /** The code that each stream was reset with, since the last look. */
  resets(): ReadonlyMap<number, number> {
    const frames = this.seen().filter(({ type }) => type === TYPE.reset);
    return new Map(frames.map(({ stream, payload }) => [stream, payload.readUInt32BE(0)]));
  }
}
