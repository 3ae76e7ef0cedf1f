/** Any value, short, for a message that says what is wrong with it. */
import { shorten } from '../model/shorten.ts';

export function shown(value: unknown): string {
  if (typeof value === 'string') return shorten(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}
