/**
 * How long a change takes from the API server's answer to its write until the last of 100 gateways has accepted what it
 * means, beside when a bare watch sees the event. One change at a time, on a real API server.
 *
 *   npm run bench:latency
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { shardName, shardOf } from '../src/translate/shards.ts';
import type { ApiServer } from '../test/support/kubernetes/api-server.ts';
import { buildPackage } from './kubernetes/build-package.ts';
import { type Change, endpointChange, readinessChange, ruleChange } from './kubernetes/changes.ts';
import type { Child } from './kubernetes/child.ts';
import { type ClusterSize, hostOf } from './kubernetes/cluster-objects.ts';
import { startLoadedApiServer } from './kubernetes/loaded-api-server.ts';
import { monotonicMs } from './kubernetes/messages.ts';
import { Detour, startScript } from './kubernetes/programs.ts';
import { clustersOf } from './kubernetes/start.ts';
import { machine, table, writeSection } from './results.ts';

const SIZE: ClusterSize = { services: 1_000, endpoints: 3, previews: 100, hosts: 100 };
const STREAMS = 100;
/** Of each kind; and some before that do not count. */
const CHANGES = 100;
const WARM_UP = 10;
/** A cluster does not change back to back: what the last change left to do is done by then. */
const PAUSE_MS = 20;

const KINDS: readonly { readonly title: string; readonly change: (round: number) => Change }[] = [
  { title: 'a pod of a baseline comes or goes', change: (round) => endpointChange(round % 50, round % 100 < 50 ? 4 : 3) },
  { title: 'a preview pod becomes ready or unready', change: (round) => readinessChange(round % 25, round % 50 >= 25) },
  {
    title: 'a preview gets another rule',
    change: (round) => ruleChange(round % 25, `other-${round}`, shardName(shardOf(hostOf(round % 25)))),
  },
];

/** Milliseconds from the answer to the write. */
interface Sample {
  readonly watchMs: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

interface Programs {
  readonly server: ApiServer;
  readonly watcher: Child;
  readonly gateways: Child;
}

async function sample({ server, watcher, gateways }: Programs, change: Change): Promise<Sample> {
  gateways.write(change.resource);
  await gateways.message('ready');
  const version = await change.write(server);
  const answeredAt = monotonicMs();
  const seen = await gateways.message<{ firstAt: number; at: number }>('seen');
  let event = await watcher.message<{ event: string; at: number }>('event');
  while (event.event !== version) event = await watcher.message('event');
  return { watchMs: event.at - answeredAt, firstMs: seen.firstAt - answeredAt, lastMs: seen.at - answeredAt };
}

async function measure(): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const say = (line: string): boolean => process.stdout.write(`${line}\n`);
  buildPackage(say);
  await using server = await startLoadedApiServer(SIZE, say);
  const kubeconfig = await server.kubeconfigFile();
  await using detour = await Detour.start(kubeconfig);
  await detour.ready();
  say(`connecting ${STREAMS} gateways…`);
  await using gateways = startScript('gateways.ts', STREAMS, clustersOf(SIZE));
  await gateways.message('loaded');
  gateways.write(`connect ${detour.xdsPort}`);
  await gateways.message('full');
  await using watcher = startScript('watch-cluster.ts', kubeconfig);
  await watcher.message('watching');
  const samples = new Map<string, Sample[]>(KINDS.map(({ title }) => [title, []]));
  for (let round = 0; round < CHANGES + WARM_UP; round += 1) {
    if (round % 20 === 0) say(`${round * KINDS.length} of ${(CHANGES + WARM_UP) * KINDS.length} changes…`);
    for (const { title, change } of KINDS) {
      const measured = await sample({ server, watcher, gateways }, change(round));
      if (round >= WARM_UP) samples.get(title)?.push(measured);
      await sleep(PAUSE_MS);
    }
  }
  return samples;
}

function quantile(values: readonly number[], q: number): string {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN).toFixed(1);
}

const samples = await measure();
const rows = [...samples].flatMap(([title, list]) =>
  [0.5, 0.99].map((q) => [
    `${title}, p${q * 100}`,
    quantile(
      list.map((each) => each.watchMs),
      q,
    ),
    quantile(
      list.map((each) => each.firstMs),
      q,
    ),
    quantile(
      list.map((each) => each.lastMs),
      q,
    ),
    quantile(
      list.map((each) => each.firstMs - each.watchMs),
      q,
    ),
    quantile(
      list.map((each) => each.lastMs - each.watchMs),
      q,
    ),
  ]),
);
const head = [
  'ms from the answer to the write',
  'bare watch',
  'first gateway',
  `last of ${STREAMS}`,
  'Detour: first',
  'Detour: last',
];
const figures = table(head, rows);
process.stdout.write(`\n${figures}\n\n${machine()}\n`);
await writeSection(
  'Latency',
  'npm run bench:latency',
  `A real kube-apiserver and etcd, ${SIZE.services.toLocaleString('en')} Services, ${STREAMS} gateways by delta ADS on connections of their own, in one process; a bare
watch in another. ${CHANGES} changes of each kind, one at a time; milliseconds from the API server's answer to the write. The last two
columns are Detour's own share: from the event at the bare watch until the first and the last gateway had accepted what came of
it, of each change. API server, etcd, Detour, the gateways and the watch share the machine's processors.

${figures}`,
);
