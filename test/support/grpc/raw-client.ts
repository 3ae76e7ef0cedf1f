/** A client that speaks HTTP/2 by hand, so that it can do what no gRPC client does. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect, type OutgoingHttpHeaders, type Settings } from 'node:http2';
import { until } from '../until.ts';

export class RawClient implements AsyncDisposable {
  readonly session: ClientHttp2Session;
  /** Codes of GOAWAY, in order. */
  readonly goneAway: number[] = [];

  constructor(port: number, settings: Settings = {}) {
    this.session = connect(`http://127.0.0.1:${port}`, { settings });
    this.session.on('error', () => {});
    this.session.on('goaway', (code) => this.goneAway.push(code));
  }

  /** @param headers undefined leaves one out */
  call(path: string, headers: OutgoingHttpHeaders = {}): RawCall {
    const own = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    return new RawCall(this.session.request({ ...own, ...headers }));
  }

  /** @returns once the server has read what was sent to it, as far as its windows go. */
  answered(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.session.ping((error) => (error === null ? resolve() : reject(error)));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.session.destroy();
  }
}

export class RawCall {
  readonly stream: ClientHttp2Stream;
  /** What came first. */
  headers: Readonly<Record<string, unknown>> = {};
  trailers: Readonly<Record<string, unknown>> | undefined;
  readonly #chunks: Buffer[] = [];

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream;
    stream.on('error', () => {});
    stream.on('response', (headers) => {
      this.headers = headers;
    });
    stream.on('trailers', (trailers) => {
      this.trailers = trailers;
    });
  }

  /** Takes what comes; nothing is taken without. */
  read(): this {
    this.stream.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    return this;
  }

  get messages(): readonly string[] {
    const received = Buffer.concat(this.#chunks);
    const messages: string[] = [];
    for (let at = 0; at + 5 <= received.length; ) {
      const end = at + 5 + received.readUInt32BE(at + 1);
      if (end > received.length) break;
      messages.push(received.toString('utf8', at + 5, end));
      at = end;
    }
    return messages;
  }

  send(message: string): this {
    this.stream.write(framed(message));
    return this;
  }

  /** The status that the call ended with. */
  async status(): Promise<{ readonly code: unknown; readonly message: unknown }> {
    return until('the status', () => {
      const said = this.trailers ?? this.headers;
      return said['grpc-status'] === undefined ? undefined : { code: Number(said['grpc-status']), message: said['grpc-message'] };
    });
  }
}

/** A message with its prefix. @param flag 1: compressed */
export function framed(message: string | Buffer, flag = 0): Buffer {
  const body = Buffer.from(message);
  const prefix = Buffer.alloc(5);
  prefix[0] = flag;
  prefix.writeUInt32BE(body.length, 1);
  return Buffer.concat([prefix, body]);
}
