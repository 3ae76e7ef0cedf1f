/**
 * The file that keys are signed with: one secret a line, the first one signs, all of them count. So a new one is put
 * below, then above, then the old one goes. Blanks around a line, empty lines and those that begin with `#` are nothing.
 */

/** In bytes: of SHA-256's own length, so that guessing is hopeless where the bytes are random. */
export const SHORTEST_SECRET = 32;

/** More do not count: a request could make a gateway try them all. */
export const MOST_SECRETS = 8;

export interface Secrets {
  /** Those that count, in order. */
  readonly secrets: readonly Uint8Array[];
  /** Numbers of lines, from 1, that are shorter than {@link SHORTEST_SECRET}. */
  readonly short: readonly number[];
}

export function readSecrets(file: Uint8Array): Secrets {
  const secrets: Uint8Array[] = [];
  const short: number[] = [];
  // One character for each byte: a secret is bytes, whatever they stand for.
  const lines = Buffer.from(file).toString('latin1').split('\n');
  for (const [index, line] of lines.entries()) {
    const text = line.replace(/^[ \t\r]+|[ \t\r]+$/g, '');
    if (text === '' || text.startsWith('#')) continue;
    if (text.length < SHORTEST_SECRET) short.push(index + 1);
    else if (secrets.length < MOST_SECRETS) secrets.push(Buffer.from(text, 'latin1'));
  }
  return { secrets, short };
}
