/** Frames as they stand on the wire (RFC 9113, section 4.1). */

/** Length, type, flags and stream, in bytes. */
export const HEAD_LENGTH = 9;

/** The longest payload that either side may send while nobody has agreed to more, in bytes. */
export const MAX_FRAME = 16_384;

export const MAX_WINDOW = 2 ** 31 - 1;

/** Of a window that nobody has spoken of, in bytes. */
export const DEFAULT_WINDOW = 65_535;

export const TYPE = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const FLAG = {
  endStream: 0x1,
  /** Of SETTINGS and PING. */
  ack: 0x1,
  endHeaders: 0x4,
  padded: 0x8,
  priority: 0x20,
} as const;

/** @param length of the payload that follows */
export function writeHead(buffer: Buffer, at: number, length: number, type: number, flags: number, stream: number): void {
  buffer[at] = length >>> 16;
  buffer[at + 1] = length >>> 8;
  buffer[at + 2] = length;
  buffer[at + 3] = type;
  buffer[at + 4] = flags;
  buffer.writeUInt32BE(stream, at + 5);
}

export function frameOf(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_LENGTH + payload.length);
  writeHead(frame, 0, payload.length, type, flags, stream);
  frame.set(payload, HEAD_LENGTH);
  return frame;
}

/** A frame whose payload is one number of four bytes: RST_STREAM or WINDOW_UPDATE. */
export function numberFrame(type: number, stream: number, value: number): Buffer {
  const frame = Buffer.allocUnsafe(HEAD_LENGTH + 4);
  writeHead(frame, 0, 4, type, 0, stream);
  frame.writeUInt32BE(value, HEAD_LENGTH);
  return frame;
}

/** HEADERS, and CONTINUATION as far as the block is longer than a frame. */
export function headersFrames(stream: number, block: Buffer, isEnd: boolean): Buffer {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += MAX_FRAME) {
    const part = block.subarray(at, at + MAX_FRAME);
    const isLast = at + MAX_FRAME >= block.length;
    const flags = (isLast ? FLAG.endHeaders : 0) | (isEnd && at === 0 ? FLAG.endStream : 0);
    frames.push(frameOf(at === 0 ? TYPE.headers : TYPE.continuation, flags, stream, part));
  }
  return frames.length === 1 && frames[0] !== undefined ? frames[0] : Buffer.concat(frames);
}

export function goAwayFrame(lastStream: number, code: number, reason: string): Buffer {
  const payload = Buffer.alloc(8 + Buffer.byteLength(reason));
  payload.writeUInt32BE(lastStream, 0);
  payload.writeUInt32BE(code, 4);
  payload.write(reason, 8);
  return frameOf(TYPE.goAway, 0, 0, payload);
}
