/** The bytes of a message, to be read one by one and by words of four. */
import { isUtf8 } from 'node:buffer';

export interface Source {
  readonly bytes: Buffer;
  readonly words: DataView;
}

export function sourceOf(bytes: Buffer): Source {
  return { bytes, words: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) };
}

export function textAt({ bytes }: Source, from: number, to: number): string {
  return bytes.toString('utf8', from, to);
}

/** @throws Error when it is not UTF-8. */
export function checkUtf8({ bytes }: Source, from: number, to: number): void {
  if (!isUtf8(bytes.subarray(from, to))) throw new Error('a text is not UTF-8');
}
