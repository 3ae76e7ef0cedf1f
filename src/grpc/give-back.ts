/**
 * Memory that is given back at once, and not with the next garbage collection: a hundred megabytes that have been read make
 * V8 look at all that it holds, again and again, though none of it is garbage.
 */

/** What is smaller is not worth it, in bytes. */
const WORTH_IT = 4_096;

/** @param bytes that nobody reads any more; where others share their memory, nothing happens */
export function giveBack({ buffer, length }: Buffer): void {
  if (length >= WORTH_IT && buffer.byteLength === length && buffer instanceof ArrayBuffer) buffer.transfer(0);
}
