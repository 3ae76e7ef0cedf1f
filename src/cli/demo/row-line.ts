/** A row of the demo's table as a line: the copy that each service answered from. */
import type { Hop } from './hop.ts';
import type { DemoReply } from './request.ts';
import { ROWS, type Row } from './rows.ts';
import { BASELINE, PATH } from './shop.ts';
import { type Cell, type Column, line } from './table.ts';

export const COLUMNS: readonly Column[] = [
  { title: '', width: 1 },
  { title: 'request', width: Math.max(...ROWS.map((row) => row.title.length)) },
  ...PATH.map((title) => ({ title, width: Math.max(BASELINE.length, title.length) })),
  { title: '', width: 0 },
];

export function rowLine({ title }: Row, { status, hops }: DemoReply, right: boolean): string {
  const mark: Cell = right ? { text: '✓', style: 'green' } : { text: '✗', style: 'red' };
  const remark = status === 200 ? remarkOn(hops) : remarkOnStatus(status);
  return line(COLUMNS, [mark, { text: title }, ...PATH.map((_, index) => cellOf(hops[index])), { text: remark, style: 'dim' }]);
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
  return status === 404 ? '404, a page that says so' : String(status);
}
