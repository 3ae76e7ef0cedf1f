/** What every server goes through, and what is read off. */
import { setTimeout as wait } from 'node:timers/promises';
import type { ClusterChange } from '../../src/model/cluster-state.ts';
import { type Contender, type RunningServer, startServer } from './contenders.ts';
import type { GoPrograms } from './go-programs.ts';
import { LineProcess } from './line-process.ts';
import { type Report, type SyncFigures, settledCpu, sync, wallOf } from './sync.ts';
import { endpointChange, newPreview, pick, ruleChange } from './world.ts';

export interface Size {
  readonly services: number;
  readonly streams: number;
  /** How many changes of each kind. */
  readonly changes: number;
  /** How many of each kind come before them and are not counted, with any server: a control plane runs for weeks. */
  readonly before: number;
  /** How many servers of each kind are synced, of which there are medians. */
  readonly syncs: number;
}

/** Times in ms, memory in MB. */
export interface Figures extends SyncFigures {
  readonly endpointP50: number;
  readonly endpointP99: number;
  readonly endpointCpu: number;
  readonly ruleP99: number;
  readonly ruleCpu: number;
  readonly previewP99: number;
  readonly reconnectWall: number;
  readonly reconnectCpu: number;
  /** Over all streams. */
  readonly resent: number;
}

const PAUSE_MS = 20;

export async function measure(
  contender: Contender,
  { services, streams, changes, before }: Size,
  programs: GoPrograms,
  progress: (line: string) => void,
): Promise<Figures> {
  progress(`${contender}, ${services} services × ${streams} streams: starting`);
  await using server = await startServer(contender, services, programs);
  await using load = new LineProcess(programs.load, []);
  const { report, ...first } = await sync(server, load, streams);
  const { resources, bytes } = report;
  progress(`${contender}: synced in ${first.syncWall.toFixed(0)} ms, ${resources} resources, ${(bytes / 1e6).toFixed(1)} MB`);

  const make = (kind: (index: number, round: number) => readonly ClusterChange[]) => (round: number) =>
    kind(pick(services, round), round + 1);
  const inTurn = async (kind: (index: number, round: number) => readonly ClusterChange[]): Promise<ChangeFigures> => {
    await makeChanges(server, load, 0, before, make(kind));
    const cpu = await settledCpu(server);
    const latencies = await makeChanges(server, load, before, changes, make(kind));
    const cpuEach = ((await settledCpu(server)) - cpu) / changes;
    return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), cpu: cpuEach };
  };
  const endpoint = await inTurn(endpointChange);
  const rule = await inTurn(ruleChange);
  const preview = await inTurn(newPreview);
  progress(`${contender}: changes done`);

  // One endpoint and one rule change while nobody is connected.
  await load.ask({ do: 'disconnect' });
  const missed = [
    server.prepare(endpointChange(pick(services, before + changes), 1)),
    server.prepare(ruleChange(0, before + changes + 1)),
  ];
  for (const each of missed) await each.apply();
  const put = missed.flatMap((each) => each.put);
  const cpuApart = await settledCpu(server);
  const again = await load.ask<Report>({ do: 'reconnect', resources: put });
  const reconnectCpu = (await settledCpu(server)) - cpuApart;
  return {
    ...{ endpointP50: endpoint.p50, endpointP99: endpoint.p99, endpointCpu: endpoint.cpu },
    ...{ ruleP99: rule.p99, ruleCpu: rule.cpu, previewP99: preview.p99 },
    ...{ ...first, reconnectWall: wallOf(again), reconnectCpu },
    resent: again.resources - put.length * streams,
  };
}

interface ChangeFigures {
  readonly p50: number;
  readonly p99: number;
  readonly cpu: number;
}

/** Makes `count` changes from round `first` on. In ms, from the change until a stream has all resources that it put, over all streams. */
async function makeChanges(
  server: RunningServer,
  load: LineProcess,
  first: number,
  count: number,
  changesOf: (round: number) => readonly ClusterChange[],
): Promise<readonly number[]> {
  const latencies: number[] = [];
  for (let round = first; round < first + count; round += 1) {
    const { put, apply } = server.prepare(changesOf(round));
    if (put.length === 0) throw new Error(`change ${round} changes nothing`);
    await load.ask({ do: 'watch', resources: put });
    const at = await apply();
    const { times } = await load.ask<{ times: readonly number[] }>({ do: 'arrivals' });
    latencies.push(...times.map((time) => (time - at) / 1000));
    await wait(PAUSE_MS);
  }
  return latencies;
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
