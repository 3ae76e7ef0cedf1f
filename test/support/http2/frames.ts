/** Frames as a client writes them, by hand, and those that a server wrote, taken apart. */
import { FLAG, frameOf, HEAD_LENGTH, numberFrame, TYPE } from '../../../src/http2/frame.ts';
import { encodeHeaders } from '../../../src/http2/header-encoder.ts';

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
export const HELLO = Buffer.concat([PREFACE, frameOf(TYPE.settings, 0, 0, Buffer.alloc(0))]);

export const REQUEST = {
  ':method': 'POST',
  ':scheme': 'http',
  ':path': '/test.Echo/Talk',
  ':authority': 'there',
  'content-type': 'application/grpc',
  te: 'trailers',
};

export function block(headers: Readonly<Record<string, string>>): Buffer {
  return encodeHeaders(Object.entries(headers).map(([name, value]) => ({ name, value })));
}

export function headers(stream: number, fields: Readonly<Record<string, string>> = REQUEST, flags: number = 0): Buffer {
  return frameOf(TYPE.headers, FLAG.endHeaders | flags, stream, block(fields));
}

export function data(stream: number, bytes: string | Buffer, flags: number = 0): Buffer {
  return frameOf(TYPE.data, flags, stream, Buffer.from(bytes));
}

export function windowUpdate(stream: number, bytes: number): Buffer {
  return numberFrame(TYPE.windowUpdate, stream, bytes);
}

export function settings(entries: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * entries.length);
  for (const [index, [id, value]] of entries.entries()) {
    payload.writeUInt16BE(id, 6 * index);
    payload.writeUInt32BE(value, 6 * index + 2);
  }
  return frameOf(TYPE.settings, 0, 0, payload);
}

export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** @throws Error when they are not whole. */
export function framesIn(bytes: Buffer): readonly SeenFrame[] {
  const frames: SeenFrame[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + HEAD_LENGTH + bytes.readUIntBE(at, 3);
    if (end > bytes.length) throw new Error('the last frame is cut');
    const payload = bytes.subarray(at + HEAD_LENGTH, end);
    frames.push({ type: bytes[at + 3] ?? 0, flags: bytes[at + 4] ?? 0, stream: bytes.readUInt32BE(at + 5), payload });
    at = end;
  }
  return frames;
}
