/** Why a file that somebody named cannot be read, in words that are not the system's. */
import type { Trouble } from './trouble.ts';

/** @param name as it was written, perhaps with its flag. @param error of the file system */
export function unreadable(name: string, error: unknown, hint: string): Trouble {
  return { trouble: `${name} ${why(error)}`, hint };
}

function why(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'is not there';
  if (code === 'EACCES' || code === 'EPERM') return 'may not be read by you';
  if (code === 'EISDIR') return 'is a folder, not a file';
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`;
}
