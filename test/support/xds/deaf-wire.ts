/** A gRPC client that sends and never reads: HTTP/2 by hand, so that its window fills. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import type { Wire } from './client.ts';

export class DeafWire implements Wire {
  /** What the server did to the connection, in order. */
  readonly happened: ('go away' | 'stream closed')[] = [];
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;

  constructor(port: number, path: string) {
    this.#session = connect(`http://127.0.0.1:${port}`);
    this.#session.on('error', () => {});
    this.#session.on('goaway', () => this.happened.push('go away'));
    this.#stream = this.#session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    this.#stream.on('error', () => {});
    this.#stream.on('response', () => this.#stream.on('trailers', () => this.happened.push('stream closed')));
    this.#stream.pause();
  }

  /** Whether the server has reset the stream, which it does not read the end of. */
  get isReset(): boolean {
    return this.#stream.closed || this.#stream.destroyed;
  }

  send(bytes: Buffer): void {
    const frame = Buffer.alloc(5);
    frame.writeUInt32BE(bytes.length, 1);
    this.#stream.write(Buffer.concat([frame, bytes]));
  }

  async receive(): Promise<Buffer> {
    throw new Error('This client does not read.');
  }

  async unexpected(): Promise<undefined> {
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stream.destroy();
    this.#session.destroy();
  }
}
