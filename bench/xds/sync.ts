/** All streams come with nothing and are told all: what that takes, and what a server holds then. */
import { setTimeout as wait } from 'node:timers/promises';
import { type Contender, type RunningServer, startServer } from './contenders.ts';
import type { GoPrograms } from './go-programs.ts';
import { LineProcess } from './line-process.ts';

/** Times in ms, memory in MB. */
export interface SyncFigures {
  readonly syncWall: number;
  readonly syncCpu: number;
  readonly memory: number;
}

/** What the load says of streams that have come. Times in µs since the epoch. */
export interface Report {
  readonly from: number;
  /** When each stream was up to date. */
  readonly times: readonly number[];
  readonly responses: number;
  readonly resources: number;
  readonly bytes: number;
}

/** What is still under way is not measured as the next thing: acknowledgements, garbage. */
const SETTLE_MS = 1_000;
/** After a sync, longer: what a server does once it is calm, Detour's one collection of garbage too, is part of what the sync costs. */
const CALM_MS = 4_000;

/** The first that this server sees. @returns what it took, and what the load says of it. */
export async function sync(
  server: RunningServer,
  load: LineProcess,
  streams: number,
): Promise<SyncFigures & { readonly report: Report }> {
  const before = await settledCpu(server);
  const report = await load.ask<Report>({ do: 'connect', address: `127.0.0.1:${server.port}`, streams });
  await wait(CALM_MS);
  const syncCpu = (await server.process.cpuMs()) - before;
  return { syncWall: wallOf(report), syncCpu, memory: await server.process.residentMb(), report };
}

/** One more, of a server of its own. */
export async function syncAgain(
  contender: Contender,
  { services, streams }: { readonly services: number; readonly streams: number },
  programs: GoPrograms,
): Promise<SyncFigures> {
  await using server = await startServer(contender, services, programs);
  await using load = new LineProcess(programs.load, []);
  return await sync(server, load, streams);
}

/** Until the last stream was up to date, in ms. */
export function wallOf({ from, times }: Report): number {
  return (Math.max(...times) - from) / 1000;
}

/** Of each figure by itself: one sync more or less differs by a third on a shared machine. */
export function medianSync(rounds: readonly SyncFigures[]): SyncFigures {
  const median = (figure: keyof SyncFigures): number => {
    const sorted = rounds.map((round) => round[figure]).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  };
  return { syncWall: median('syncWall'), syncCpu: median('syncCpu'), memory: median('memory') };
}

/** Processor time so far, in ms, when nothing is under way any more. */
export async function settledCpu(server: RunningServer): Promise<number> {
  await wait(SETTLE_MS);
  return server.process.cpuMs();
}
