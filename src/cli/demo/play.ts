/** Sends the table's requests, prints each row as its answer comes, and says which are wrong. */
import { ask } from './request.ts';
import { COLUMNS, rowLine } from './row-line.ts';
import { mistake, ROWS } from './rows.ts';
import type { RunningShop } from './start.ts';
import { headLine } from './table.ts';

/** @returns what is wrong: the row, what was expected and what came. Empty when all is right. */
export async function playRows(shop: RunningShop, print: (line: string) => void, signal: AbortSignal): Promise<string[]> {
  const wrong: string[] = [];
  print(headLine(COLUMNS));
  for (const row of ROWS) {
    signal.throwIfAborted();
    if (row.kill !== undefined) await shop.kill(row.kill.copy, row.kill.what);
    const got = await ask(shop.gateway, row.request);
    const problem = mistake(row.expected, got);
    print(rowLine(row, got, problem === undefined));
    if (problem !== undefined) wrong.push(`${row.title}\n${problem}`);
  }
  return wrong;
}
