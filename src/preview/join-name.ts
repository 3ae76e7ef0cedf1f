import { createHash } from 'node:crypto';

const HASH_LENGTH = 8;

/**
 * `api` and `pr-42` → `api-pr-42`: a name, or a label's value. One that is too long is cut, and ends with a hash of the
 * whole, so that the same two always make the same one, and others another.
 */
export function joinName(base: string, key: string, limit: number): string {
  const whole = base === '' ? key : `${base}-${key}`;
  if (whole.length <= limit) return whole;
  const hash = createHash('sha256').update(whole).digest('hex').slice(0, HASH_LENGTH);
  return `${whole.slice(0, limit - HASH_LENGTH - 1).replace(/[^A-Za-z0-9]+$/, '')}-${hash}`;
}
