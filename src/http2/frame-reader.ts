/** Cuts what comes into frames, however it was cut into chunks. Payloads of DATA are handed on as they come, uncopied. */
import { FLAG, HEAD_LENGTH, MAX_FRAME, TYPE } from './frame.ts';

/** Bytes that are handed over are lent: whoever keeps them copies them. */
export interface FrameSink {
  /** A whole frame; all but DATA without padding. */
  frame(type: number, flags: number, stream: number, payload: Buffer): void;
  /** DATA without padding: told when it begins, then piece by piece, then when it has ended. */
  dataBegins(stream: number, flags: number, length: number): void;
  dataPiece(stream: number, bytes: Buffer): void;
  dataEnds(stream: number, flags: number): void;
  /** Longer than {@link MAX_FRAME}. */
  frameTooLong(): void;
}

const NOTHING = Buffer.alloc(0);

export class FrameReader {
  readonly #sink: FrameSink;
  /** The beginning of a frame that is cut, `#held` bytes of it, until `#wanted` are there. */
  #buffer = NOTHING;
  #held = 0;
  #wanted = HEAD_LENGTH;
  /** Of a payload of DATA, in bytes. */
  #dataLeft = 0;
  #stream = 0;
  #flags = 0;
  #type = 0;
  #length = 0;
  #isEnded = false;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length && !this.#isEnded) {
      if (this.#dataLeft > 0) at = this.#piece(chunk, at);
      else if (this.#held > 0) at = this.#complete(chunk, at);
      else at = this.#begin(chunk, at);
    }
  }

  /** Nothing more is read. May be called while something is told. */
  end(): void {
    this.#isEnded = true;
    this.#buffer = NOTHING;
  }

  #begin(chunk: Buffer, at: number): number {
    const left = chunk.length - at;
    const wanted = left < HEAD_LENGTH ? HEAD_LENGTH : this.#readHead(chunk, at);
    if (this.#isEnded) return at;
    if (left < wanted) {
      this.#make(wanted);
      this.#held = chunk.copy(this.#buffer, 0, at);
      return chunk.length;
    }
    this.#tell(chunk, at);
    return at + wanted;
  }

  #complete(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#buffer, this.#held, at, at + this.#wanted - this.#held);
    this.#held += copied;
    if (this.#held < this.#wanted) return at + copied;
    if (this.#wanted === HEAD_LENGTH) {
      const wanted = this.#readHead(this.#buffer, 0);
      if (this.#isEnded) return at + copied;
      if (wanted > HEAD_LENGTH) {
        this.#make(wanted);
        return at + copied;
      }
    }
    const buffer = this.#buffer;
    this.#held = 0;
    this.#buffer = NOTHING;
    this.#tell(buffer, 0);
    return at + copied;
  }

  #piece(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#dataLeft);
    this.#dataLeft -= end - at;
    this.#sink.dataPiece(this.#stream, chunk.subarray(at, end));
    if (this.#dataLeft === 0 && !this.#isEnded) this.#sink.dataEnds(this.#stream, this.#flags);
    return end;
  }

  /** @returns how many bytes must be there together for the frame to be told. */
  #readHead(bytes: Buffer, at: number): number {
    this.#length = bytes.readUIntBE(at, 3);
    this.#type = bytes[at + 3] ?? 0;
    this.#flags = bytes[at + 4] ?? 0;
    this.#stream = bytes.readUInt32BE(at + 5) & 0x7fffffff;
    if (this.#length > MAX_FRAME) {
      this.end();
      this.#sink.frameTooLong();
    }
    return this.#isInPieces ? HEAD_LENGTH : HEAD_LENGTH + this.#length;
  }

  get #isInPieces(): boolean {
    return this.#type === TYPE.data && (this.#flags & FLAG.padded) === 0;
  }

  #tell(bytes: Buffer, at: number): void {
    if (!this.#isInPieces) {
      const payload = bytes.subarray(at + HEAD_LENGTH, at + HEAD_LENGTH + this.#length);
      return this.#sink.frame(this.#type, this.#flags, this.#stream, payload);
    }
    this.#dataLeft = this.#length;
    this.#sink.dataBegins(this.#stream, this.#flags, this.#length);
    if (this.#length === 0 && !this.#isEnded) this.#sink.dataEnds(this.#stream, this.#flags);
  }

  /** Room for so many bytes, with what is held at its front. */
  #make(wanted: number): void {
    const larger = Buffer.allocUnsafe(wanted);
    this.#buffer.copy(larger, 0, 0, this.#held);
    this.#buffer = larger;
    this.#wanted = wanted;
  }
}
