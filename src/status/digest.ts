import { createHash } from 'node:crypto';

/** 16 hex digits that are the same for the same texts, on every replica. */
export function digest(...texts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(texts)).digest('hex').slice(0, 16);
}
