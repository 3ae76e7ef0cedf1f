/** What a frame must be, whatever it says and whenever it comes (RFC 9113, section 6). */
import { ERROR, type ErrorCode } from './error-code.ts';
import { FLAG, TYPE } from './frame.ts';

interface Shape {
  /** Of the payload, in bytes. */
  readonly length?: number;
  readonly atLeast?: number;
  /** About a stream, or about the connection; undefined: either. */
  readonly on?: 'stream' | 'connection';
}

const SHAPES: ReadonlyMap<number, Shape> = new Map<number, Shape>([
  [TYPE.data, { on: 'stream' }],
  [TYPE.headers, { on: 'stream' }],
  [TYPE.priority, { on: 'stream', length: 5 }],
  [TYPE.reset, { on: 'stream', length: 4 }],
  [TYPE.settings, { on: 'connection' }],
  [TYPE.ping, { on: 'connection', length: 8 }],
  [TYPE.goAway, { on: 'connection', atLeast: 8 }],
  [TYPE.windowUpdate, { length: 4 }],
  [TYPE.continuation, { on: 'stream' }],
]);

/** @param length of the payload @returns what is wrong with the frame: an error of the connection. */
export function frameProblem(type: number, flags: number, stream: number, length: number): ErrorCode | undefined {
  // A client must not push.
  if (type === TYPE.pushPromise) return ERROR.protocol;
  const shape = SHAPES.get(type);
  if (shape === undefined) return undefined;
  if (shape.on !== undefined && (shape.on === 'connection') !== (stream === 0)) return ERROR.protocol;
  if (shape.length !== undefined && shape.length !== length) return ERROR.frameSize;
  if (shape.atLeast !== undefined && length < shape.atLeast) return ERROR.frameSize;
  if (type === TYPE.settings && (flags & FLAG.ack) !== 0 && length > 0) return ERROR.frameSize;
  return undefined;
}
