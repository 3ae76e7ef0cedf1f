/** `bench/RESULTS.md`: one section for each benchmark, rewritten by the benchmark itself. */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';

const FILE = fileURLToPath(new URL('./RESULTS.md', import.meta.url));
const HEAD = '# Results\n\nWritten by the benchmarks themselves; each section says its command and the machine.\n';

/** @param title of the section; @param body Markdown without headings. */
export async function writeSection(title: string, command: string, body: string): Promise<void> {
  const text = await readFile(FILE, 'utf8').catch(() => HEAD);
  const section = `\n## ${title}\n\n\`${command}\` on ${machine()}.\n\n${body.trimEnd()}\n`;
  const from = text.indexOf(`\n## ${title}\n`);
  if (from === -1) return await writeFile(FILE, text + section);
  const next = text.indexOf('\n## ', from + 1);
  await writeFile(FILE, text.slice(0, from) + section + (next === -1 ? '' : text.slice(next)));
}

export function machine(): string {
  const [cpu] = cpus();
  return `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`;
}

/** A Markdown table, its columns aligned: numbers to the right. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`;
  const rule = `| ${widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)).join(' | ')} |`;
  return [line(head), rule, ...rows.map(line)].join('\n');
}
