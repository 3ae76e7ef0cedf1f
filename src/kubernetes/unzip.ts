/** gzip → bytes, on a thread of Node's pool: the loop goes on meanwhile. */
import { gunzip } from 'node:zlib';

const TOO_LARGE = 'ERR_BUFFER_TOO_LARGE';
/** The last four bytes: how long the whole is. */
const TRAILER = 4;
const SMALLEST = 16 * 1024;
/** Most that is set aside because the trailer says so. */
const LARGEST = 16 * 1024 * 1024;

/** @returns undefined when it is larger than that. @throws Error for what is no gzip, or not all of it. */
export function unzip(bytes: Buffer, maxBytes: number): Promise<Buffer | undefined> {
  // Set aside in one piece: else it comes in small ones, each with a turn of the loop, and is joined.
  const said = bytes.length < TRAILER ? 0 : bytes.readUInt32LE(bytes.length - TRAILER);
  const chunkSize = Math.min(Math.max(said + 1, SMALLEST), LARGEST);
  return new Promise((resolve, reject) => {
    gunzip(bytes, { chunkSize, maxOutputLength: maxBytes }, (error, result) => {
      if (error === null) resolve(result);
      else if ('code' in error && error.code === TOO_LARGE) resolve(undefined);
      else reject(error);
    });
  });
}
