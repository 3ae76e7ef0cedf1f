/** Sidecars that each have a view of their own: what one costs that has nothing to do, and whom a change of one Service reaches. */
import { setTimeout as wait } from 'node:timers/promises';
import { encodeRequest } from '../../test/support/xds/independent.ts';
import { table } from '../results.ts';
import { startServer } from './contenders.ts';
import type { Holds } from './detour-server.ts';
import type { GoPrograms } from './go-programs.ts';
import { LineProcess } from './line-process.ts';
import { percentile } from './scenario.ts';
import { newPreview, pick, ruleChange, sidecarNode } from './world.ts';

/** Two pods of each Service have one. */
const A_SERVICE = 2;
const SETTLE_MS = 2_000;
const CHANGES = 50;
/** More than any change takes to arrive, and those that it must not reach are waited for as well. */
const ARRIVAL_MS = 300;

interface Recorded {
  readonly streams: readonly { readonly stream: number; readonly responses: number; readonly last: number }[];
}

interface Reach {
  readonly reached: number;
  readonly astray: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpu: number;
}

export async function sidecars(
  { services, programs }: { readonly services: number; readonly programs: GoPrograms },
  progress: (line: string) => void,
): Promise<string> {
  await using server = await startServer('Detour', services, programs);
  await using load = new LineProcess(programs.load, []);
  const address = `127.0.0.1:${server.port}`;
  await wait(SETTLE_MS);
  const holds: Holds[] = [await server.process.ask<Holds>('holds')];
  let syncCpu = 0;
  for (let pod = 0; pod < A_SERVICE; pod += 1) {
    const nodes = Array.from({ length: services }, (_, index) => nodeBytes(sidecarNode(index, pod)));
    const before = await server.process.cpuMs();
    await load.ask({ do: 'join', address, nodes });
    await wait(SETTLE_MS);
    syncCpu += (await server.process.cpuMs()) - before;
    holds.push(await server.process.ask<Holds>('holds'));
    progress(`sidecars: ${holds.at(-1)?.streams} connected`);
  }
  const rule = await reach((round) => {
    const index = (round * 20) % services;
    return { index, change: ruleChange(index, round + 1) };
  });
  const preview = await reach((round) => ({ index: pick(services, round), change: newPreview(pick(services, round)) }));
  progress('sidecars: changes done');

  const streams = services * A_SERVICE;
  const kb = (of: 'heap' | 'resident', from: number, to: number): string => {
    const grown = (holds[to]?.[of] ?? Number.NaN) - (holds[from]?.[of] ?? Number.NaN);
    return ((grown * 1000) / (services * (to - from))).toFixed(1);
  };
  const counted = new Intl.NumberFormat('en');
  const memory = table(
    [`${counted.format(services)} Services, ${counted.format(streams)} sidecars`, 'heap and buffers', 'resident'],
    [
      ['KB for each sidecar', kb('heap', 0, A_SERVICE), kb('resident', 0, A_SERVICE)],
      ['KB for each of the second half', kb('heap', A_SERVICE - 1, A_SERVICE), kb('resident', A_SERVICE - 1, A_SERVICE)],
    ],
  );
  const changes = table(
    ['one change', 'its rule', 'a first preview'],
    [
      ['sidecars that are sent something', rule.reached.toFixed(1), preview.reached.toFixed(1)],
      ['of those, of other Services', String(rule.astray), String(preview.astray)],
      ['until the last one has it all, p50, ms', rule.p50.toFixed(1), preview.p50.toFixed(1)],
      ['until the last one has it all, p99, ms', rule.p99.toFixed(1), preview.p99.toFixed(1)],
      ['CPU of the control plane, ms', rule.cpu.toFixed(2), preview.cpu.toFixed(2)],
    ],
  );
  return `Each sidecar has inbound ports of its own, so that no two share a view, and a connection of its own; each Service has
${A_SERVICE} of them, and every twentieth a preview. Memory after collecting garbage, against the same control plane before they came.
Connecting all of them took ${(syncCpu / 1000).toFixed(1)} s of its CPU.

${memory}

${changes}

Over ${CHANGES} changes of each kind.`;

  async function reach(
    of: (round: number) => { readonly index: number; readonly change: ReturnType<typeof newPreview> },
  ): Promise<Reach> {
    const keys = Array.from({ length: A_SERVICE }, (_, pod) => sidecarNode(0, pod).route);
    const latencies: number[] = [];
    let [reached, astray] = [0, 0];
    await load.ask({ do: 'record', resources: keys });
    const before = await server.process.cpuMs();
    for (let round = 0; round < CHANGES; round += 1) {
      const { index, change } = of(round);
      await load.ask({ do: 'record', resources: keys });
      const { at } = await server.process.ask<{ at: number }>(change);
      await wait(ARRIVAL_MS);
      const { streams: touched } = await load.ask<Recorded>({ do: 'recorded' });
      reached += touched.length;
      astray += touched.filter(({ stream }) => stream % services !== index).length;
      latencies.push(Math.max(...touched.map(({ last }) => (last - at) / 1000)));
    }
    const cpu = ((await server.process.cpuMs()) - before) / CHANGES;
    return { reached: reached / CHANGES, astray, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), cpu };
  }
}

/** As {@link LineProcess} hands bytes on. */
function nodeBytes({ node }: ReturnType<typeof sidecarNode>): string {
  return encodeRequest('DeltaDiscoveryRequest', { node }).toString('base64');
}
