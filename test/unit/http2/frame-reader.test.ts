import { describe, expect, it } from 'vitest';
import { FLAG, frameOf, MAX_FRAME, TYPE } from '../../../src/http2/frame.ts';
import { FrameReader, type FrameSink } from '../../../src/http2/frame-reader.ts';
import { data, headers } from '../../support/http2/frames.ts';

/** What a reader tells, DATA put together again. */
class Notes implements FrameSink {
  readonly lines: string[] = [];
  #data = '';

  frame(type: number, flags: number, stream: number, payload: Buffer): void {
    this.lines.push(`${type} ${flags} ${stream} ${payload.toString('hex')}`);
  }

  dataBegins(stream: number, flags: number, length: number): void {
    this.#data = `data ${flags} ${stream} ${length} `;
  }

  dataPiece(_stream: number, bytes: Buffer): void {
    if (bytes.length === 0) throw new Error('a piece of nothing');
    this.#data += bytes.toString('hex');
  }

  dataEnds(): void {
    this.lines.push(this.#data);
  }

  frameTooLong(): void {
    this.lines.push('too long');
  }
}

const FRAMES = Buffer.concat([
  frameOf(TYPE.settings, 0, 0, Buffer.alloc(0)),
  headers(1),
  data(1, 'hello'),
  data(1, ''),
  frameOf(TYPE.data, FLAG.padded | FLAG.endStream, 1, Buffer.from('\x02abc\0\0')),
  frameOf(TYPE.ping, 0, 0, Buffer.from('12345678')),
  frameOf(77, 5, 9, Buffer.from('whatever')),
]);

function read(bytes: Buffer, size: number): readonly string[] {
  const notes = new Notes();
  const reader = new FrameReader(notes);
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = Buffer.from(bytes.subarray(at, at + size));
    reader.push(chunk);
    // What was handed over was lent.
    chunk.fill(0xee);
  }
  return notes.lines;
}

describe('a reader of frames', () => {
  it('tells the same, wherever they were cut', () => {
    const whole = read(FRAMES, FRAMES.length);
    expect(whole).toHaveLength(7);
    expect(whole[2]).toBe('data 0 1 5 68656c6c6f');
    for (let size = 1; size < FRAMES.length; size += 1) expect([size, read(FRAMES, size)]).toEqual([size, whole]);
  });

  it('hands on DATA as it comes, before the frame is complete', () => {
    const pieces: number[] = [];
    const notes = new Notes();
    notes.dataPiece = (_stream, bytes) => pieces.push(bytes.length);
    const reader = new FrameReader(notes);
    reader.push(data(1, 'x'.repeat(1_000)).subarray(0, 9 + 300));
    expect(pieces).toEqual([300]);
  });

  it('reads nothing behind a frame that is too long, however it is cut', () => {
    const most = frameOf(TYPE.headers, 0, 1, Buffer.alloc(MAX_FRAME));
    const tooLong = frameOf(TYPE.headers, 0, 1, Buffer.alloc(MAX_FRAME + 1));
    const bytes = Buffer.concat([most, tooLong, FRAMES]);
    for (const size of [1, 5, 9, 100, bytes.length]) expect(read(bytes, size).slice(1)).toEqual(['too long']);
  });

  it('reads nothing more once it was ended, also while it tells something', () => {
    const notes = new Notes();
    const reader = new FrameReader(notes);
    notes.dataPiece = () => reader.end();
    reader.push(FRAMES);
    reader.push(FRAMES);
    expect(notes.lines).toHaveLength(2);
  });
});
