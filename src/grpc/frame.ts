/** A message as it stands in a stream: one byte that says whether it is compressed, four that say how long it is, itself. */

export const PREFIX_LENGTH = 5;

/** Parts go out one after the other, and are not copied: several streams may send the same bytes. */
export interface Frame {
  readonly parts: readonly Buffer[];
  /** Of all parts, prefix included. */
  readonly length: number;
}

/** Says at the beginning of `buffer` that a message of so many bytes follows, which is not compressed. */
export function writePrefix(buffer: Buffer, messageLength: number): void {
  buffer[0] = 0;
  buffer.writeUInt32BE(messageLength, 1);
}

export function frameOf(message: Buffer): Frame {
  const prefix = Buffer.allocUnsafe(PREFIX_LENGTH);
  writePrefix(prefix, message.length);
  return { parts: message.length === 0 ? [prefix] : [prefix, message], length: PREFIX_LENGTH + message.length };
}
