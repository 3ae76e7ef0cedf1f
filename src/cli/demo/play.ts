/** Sends the table's requests, prints each row as its answer comes, and says which are wrong. */
import type { Hop } from './hop.ts';
import { ask, type DemoReply } from './request.ts';
import { mistake, ROWS, type Row } from './rows.ts';
import { BASELINE, PATH } from './shop.ts';
import type { RunningShop } from './start.ts';
import { type Cell, type Column, headLine, line } from './table.ts';

const COLUMNS: readonly Column[] = [
  { title: '', width: 2 },
  { title: 'request', width: Math.max(...ROWS.map((row) => row.title.length)) },
  ...PATH.map((title) => ({ title, width: Math.max(BASELINE.length, title.length) })),
  { title: '', width: 0 },
];

/** @returns what is wrong: the row, what was expected and what came. Empty when all is right. */
export async function playRows(shop: RunningShop, print: (line: string) => void, signal: AbortSignal): Promise<string[]> {
  const wrong: string[] = [];
  print(headLine(COLUMNS));
  for (const row of ROWS) {
    signal.throwIfAborted();
    if (row.kill !== undefined) await shop.kill(row.kill.copy, row.kill.what);
    const got = await ask(shop.gateway, row.request);
    const problem = mistake(row.expected, got);
    print(line(COLUMNS, cellsOf(row, got, problem === undefined)));
    if (problem !== undefined) wrong.push(`${row.title}\n${problem}`);
  }
  return wrong;
}

function cellsOf({ title }: Row, { status, hops }: DemoReply, right: boolean): Cell[] {
  const mark: Cell = right ? { text: '✓', style: 'green' } : { text: '✗', style: 'red' };
  const remark = status === 200 ? remarkOn(hops) : remarkOnStatus(status);
  return [mark, { text: title }, ...PATH.map((_, index) => cellOf(hops[index])), { text: remark, style: 'dim' }];
}

function cellOf(hop: Hop | undefined): Cell {
  if (hop === undefined) return { text: '' };
  return hop.copy === BASELINE ? { text: BASELINE } : { text: hop.copy, style: 'yellow' };
}

/** Where a stamp says more than who answered. */
function remarkOn(hops: readonly Hop[]): string {
  return hops.find(({ copy, servedBy }) => servedBy !== undefined && servedBy !== copy)?.servedBy ?? '';
}

function remarkOnStatus(status: number): string {
  return status === 404 ? '404: a page that says so' : String(status);
}
