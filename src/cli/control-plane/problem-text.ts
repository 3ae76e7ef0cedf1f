/** Problems as commands print them. */
import type { ProblemView } from './reports.ts';

/** What is wrong, and below it the fix; each but once. */
export function problemText(problems: readonly ProblemView[]): string {
  const texts = problems.map(({ code, message, hint }) => `${code}: ${message}\n${hint === '' ? '' : `  ${hint}\n`}`);
  return [...new Set(texts)].join('');
}
