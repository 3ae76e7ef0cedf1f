/** What a change costs at least: bytes that are there already, written to as many connections. */
import { table } from '../results.ts';
import type { GoPrograms } from './go-programs.ts';
import { LineProcess } from './line-process.ts';

/** As many bytes as a route change of the larger world puts. */
const BYTES = 8_000;
/** As many changes as there is one 99th percentile of in the tables. */
const WINDOW = 10;

/** ms */
interface Bare {
  /** Until the last of all connections has it: the median over all rounds. */
  readonly last: number;
  /** The median, the lowest and the highest over windows. */
  readonly p99: number;
  readonly lowest: number;
  readonly highest: number;
}

export async function bare(connections: number, rounds: number, programs: GoPrograms): Promise<string> {
  const args = { connections, bytes: BYTES, rounds, window: WINDOW };
  await using process = new LineProcess(
    programs.bare,
    Object.entries(args).flatMap(([name, value]) => [`-${name}`, String(value)]),
  );
  const { last, p99, lowest, highest } = await process.answer<Bare>();
  const figures = table(
    [`${BYTES} bytes to each of ${connections} connections`, 'ms'],
    [
      ['until the last has them, p50', last.toFixed(1)],
      [`p99 over ${WINDOW} rounds, median`, p99.toFixed(1)],
      ['the same, lowest and highest', `${lowest.toFixed(1)} to ${highest.toFixed(1)}`],
    ],
  );
  return `What a change costs on this machine before a server has done anything: one thread, in Go, writes bytes that are there already to
one socket after the other; a process of one thread reads and answers them. No HTTP/2, and nothing to work out. ${rounds} rounds.

${figures}`;
}
