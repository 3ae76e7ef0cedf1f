/**
 * What a large cluster costs: from the start of the process until everything is read and served, memory, and the work of
 * one changed pod. On a real API server, beside a bare list of the same objects and client-go's informers.
 *
 *   npm run bench:kubernetes
 */
import { PROTOBUF } from '../src/kubernetes/protobuf.ts';
import type { ApiServer } from '../test/support/kubernetes/api-server.ts';
import { median } from './drive.ts';
import { buildPackage } from './kubernetes/build-package.ts';
import { readinessChange } from './kubernetes/changes.ts';
import type { ClusterSize } from './kubernetes/cluster-objects.ts';
import { clientGoVersion, getInformers } from './kubernetes/informers.ts';
import { startLoadedApiServer } from './kubernetes/loaded-api-server.ts';
import { Detour, startScript } from './kubernetes/programs.ts';
import { bareList, clustersOf, detour, informers, type Start } from './kubernetes/start.ts';
import { machine, table, writeSection } from './results.ts';

/** All Services have a host: a gateway that serves the whole cluster is the most that there can be. */
const SIZE: ClusterSize = { services: 10_000, endpoints: 3, previews: 1_000, hosts: 10_000 };
const ROUNDS = 5;
const CHANGES = 200;
/** Objects in a page: kubectl's, and about what Detour asks for after its first pages. */
const PAGE = 500;
const LARGE_PAGE = 3_000;

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

type Rows = ReadonlyMap<string, Start[]>;

/** In turns, so that what else the machine does meets all. */
async function measureStarts(kubeconfig: string, binary: string): Promise<Rows> {
  const rows = new Map<string, Start[]>();
  const note = (name: string, start: Start): void => {
    rows.set(name, [...(rows.get(name) ?? []), start]);
  };
  const goName = `client-go ${await clientGoVersion()}, three informers synced`;
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    say(round === 0 ? 'warming up…' : `round ${round} of ${ROUNDS}…`);
    const list = await bareList(kubeconfig, 'application/json', PAGE);
    const large = await bareList(kubeconfig, 'application/json', LARGE_PAGE);
    const short = await bareList(kubeconfig, PROTOBUF, PAGE);
    const { ready, served } = await detour(kubeconfig, SIZE);
    const go = await informers(binary, kubeconfig);
    if (round === 0) continue;
    note('bare list, nothing kept', list);
    note(`the same in pages of ${LARGE_PAGE.toLocaleString('en')}`, large);
    note('the first in protobuf', short);
    note('Detour, until /readyz', ready);
    note('Detour, until a gateway has it all', served);
    note(goName, go);
  }
  return rows;
}

interface Work {
  readonly cpuMs: number;
  readonly services: number;
  readonly updates: number;
}

/** Of one change of one preview pod, with a gateway connected. */
async function measureChange(server: ApiServer, kubeconfig: string): Promise<Work> {
  say(`${CHANGES} pods change, one after the other…`);
  await using control = await Detour.start(kubeconfig);
  await control.ready();
  await using gateways = startScript('gateways.ts', 1, clustersOf(SIZE));
  await gateways.message('loaded');
  gateways.write(`connect ${control.xdsPort}`);
  await gateways.message('full');
  const state = async (): Promise<Work> => ({
    cpuMs: await control.child.cpuMs(),
    services: await control.metric('detour_services_built_total'),
    updates: await control.metric('detour_updates_total'),
  });
  const change = async (index: number, ready: boolean): Promise<void> => {
    const { resource, write } = readinessChange(index, ready);
    gateways.write(resource);
    await gateways.message('ready');
    await write(server);
    await gateways.message('seen');
  };
  for (let index = 0; index < CHANGES; index += 1) await change(index, false);
  const before = await state();
  for (let index = 0; index < CHANGES; index += 1) await change(index, true);
  const after = await state();
  return {
    cpuMs: (after.cpuMs - before.cpuMs) / CHANGES,
    services: (after.services - before.services) / CHANGES,
    updates: (after.updates - before.updates) / CHANGES,
  };
}

function startRows(rows: Rows): string[][] {
  const [bare = []] = rows.values();
  return [...rows].map(([name, starts]) => {
    const of = (figure: keyof Start): number[] => starts.map((start) => start[figure]);
    const ratio = (figure: 'wallMs' | 'cpuMs'): string =>
      median(starts.map((start, round) => start[figure] / (bare[round]?.[figure] ?? Number.NaN))).toFixed(1);
    const seconds = (ms: number): string => (ms / 1000).toFixed(2);
    const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(0);
    return [
      name,
      seconds(Math.min(...of('wallMs'))),
      seconds(median(of('wallMs'))),
      ratio('wallMs'),
      seconds(median(of('cpuMs'))),
      ratio('cpuMs'),
      megabytes(median(of('bytes'))),
      megabytes(median(of('highestBytes'))),
    ];
  });
}

buildPackage(say);
const binary = await getInformers(say);
await using server = await startLoadedApiServer(SIZE, say);
const kubeconfig = await server.kubeconfigFile();
const starts = await measureStarts(kubeconfig, binary);
const work = await measureChange(server, kubeconfig);

const head = ['from the start of the process', 's, best', 's', '× list', 'CPU s', '× list', 'MB', 'MB at most'];
const tables = [
  table(head, startRows(starts)),
  table(
    ['for one changed pod', ''],
    [
      ['CPU of the control plane, ms', work.cpuMs.toFixed(2)],
      ['Services built', work.services.toFixed(2)],
      ['updates handed to streams', work.updates.toFixed(2)],
    ],
  ),
];
say(`\n${tables.join('\n\n')}\n\n${machine()}`);
const count = (value: number): string => value.toLocaleString('en');
await writeSection(
  'Kubernetes',
  'npm run bench:kubernetes',
  `A real kube-apiserver and etcd with ${count(SIZE.services)} Services, each with a host and one EndpointSlice, ${count(SIZE.services * SIZE.endpoints)} endpoints, ${count(SIZE.previews)} preview pods.
Every program is a process of its own; medians of ${ROUNDS} rounds, and the best. The bare list asks for pages of ${PAGE} objects, as kubectl does, with the same client, as JSON,
parses them and keeps nothing; Detour and client-go ask for protobuf, in gzip, Detour for pages of up to 2 MiB, which here are as large
as those of the second row. The gateway is one delta ADS stream that has ${count(clustersOf(SIZE))} clusters with their endpoints, and all routes.
API server and etcd share the processors with what is measured. The pods change one at a time, ${CHANGES} of them, with that gateway connected.

${tables.join('\n\n')}`,
);
