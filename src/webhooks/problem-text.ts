import type { Problem } from '../model/problem.ts';

/** One line: code, what is wrong, and the fix. */
export function problemText({ code, message, hint }: Problem): string {
  return [`${code}: ${message}`, ...(hint === '' ? [] : [hint])].join(' ');
}
