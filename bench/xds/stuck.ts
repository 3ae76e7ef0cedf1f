/** Clients that have stopped reading: what the others notice of them, and what becomes of them. */
import { setTimeout as wait } from 'node:timers/promises';
import { table } from '../results.ts';
import { startServer } from './contenders.ts';
import type { GoPrograms } from './go-programs.ts';
import { LineProcess } from './line-process.ts';
import { Churn, type Load, settled } from './steady.ts';

const STUCK_SHARE = 0.05;
/** Without and with them in turn: what the machine does meanwhile is in both. */
const ROUNDS = 2;
const CLOSING_MS = 90_000;

export async function stuck(
  { services, streams, rate, seconds, programs }: Load & { readonly programs: GoPrograms },
  progress: (line: string) => void,
): Promise<string> {
  const count = Math.max(1, Math.round(streams * STUCK_SHARE));
  const rows: string[][] = [];
  for (let round = 1; round <= ROUNDS; round += 1) {
    await using server = await startServer('Detour', services, programs);
    await using load = new LineProcess(programs.load, []);
    await load.ask({ do: 'connect', address: `127.0.0.1:${server.port}`, streams });
    const churn = new Churn(server, load, services);
    await churn.run({ rate, seconds: Math.min(5, seconds) });
    const before = await settled(server);
    const without = await churn.run({ rate, seconds }, count);
    await load.ask({ do: 'stall', streams: count });
    const stalledAt = performance.now();
    // Those that do not read get as much as any other, and are closed on the way.
    const beside = await churn.run({ rate, seconds }, count);
    let after = await settled(server);
    while (after.streams > streams - count && performance.now() - stalledAt < CLOSING_MS) {
      await wait(500);
      after = await settled(server);
    }
    progress(`stuck: p99 of the others ${without.p99.toFixed(1)} ms without, ${beside.p99.toFixed(1)} ms beside them`);
    const grown = after.heap - before.heap;
    rows.push([
      String(round),
      ...[without.p50, beside.p50, without.p99, beside.p99].map((ms) => ms.toFixed(1)),
      `${streams - after.streams} of ${count}`,
      String(after.closed - before.closed),
      grown.toFixed(1),
    ]);
  }
  const head = [
    ...['round', 'p50 without', 'p50 beside', 'p99 without', 'p99 beside'],
    ...['gone', 'counted as closed', 'heap grown, MB'],
  ];
  return `${streams} streams, ${services} Services, ${rate} changes a second for ${seconds} s without and then beside ${count} streams whose clients read nothing
more from their connections. Lags in ms, of the others. Gone: of those that do not read, when all was over.

${table(head, rows)}`;
}
