/**
 * The xDS server beside go-control-plane's two caches: the same resources, the same load, one after the other. Then what
 * Detour does alone.
 *
 *   npm run bench:xds                    1,000 services × 100 streams, then 10,000 × 200, then alone; minutes, 3 GB
 *   npm run bench:xds -- --quick         the first size alone, and all else smaller; writes no results
 *   npm run bench:xds -- --only NAME     one server ('Detour', 'linear cache', 'snapshot cache'), or bare, sidecars, steady or stuck
 */
import { parseArgs } from 'node:util';
import { table, writeSection } from './results.ts';
import { bare } from './xds/bare.ts';
import { CONTENDERS, type Contender } from './xds/contenders.ts';
import { type GoPrograms, goPrograms } from './xds/go-programs.ts';
import { type Figures, measure, type Size } from './xds/scenario.ts';
import { sidecars } from './xds/sidecars.ts';
import { steady } from './xds/steady.ts';
import { stuck } from './xds/stuck.ts';
import { medianSync, type SyncFigures, syncAgain } from './xds/sync.ts';

const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const SIZES: readonly Size[] = [
  { services: 1_000, streams: 100, changes: 100, before: 50, syncs: 7 },
  { services: 10_000, streams: 200, changes: 10, before: 15, syncs: 3 },
];

/** What nobody else has. */
interface Alone {
  readonly name: string;
  /** Of its section. */
  readonly title: string;
  readonly measure: (programs: GoPrograms, isQuick: boolean) => Promise<string>;
}

const ALONE: readonly Alone[] = [
  {
    name: 'bare',
    title: 'xDS: what the connections cost',
    measure: (programs, isQuick) => bare(200, isQuick ? 20 : 200, programs),
  },
  {
    name: 'sidecars',
    title: 'xDS: sidecars with views of their own',
    measure: (programs, isQuick) => sidecars({ services: isQuick ? 200 : 1_000, programs }, say),
  },
  {
    name: 'steady',
    title: 'xDS: changes that do not stop',
    measure: (programs, isQuick) =>
      isQuick
        ? steady({ services: 200, streams: 200, rate: 250, seconds: 10, programs }, say)
        : steady({ services: 1_000, streams: 1_000, rate: 250, seconds: 60, programs }, say),
  },
  {
    name: 'stuck',
    title: 'xDS: clients that stop reading',
    measure: (programs, isQuick) =>
      isQuick
        ? stuck({ services: 200, streams: 40, rate: 50, seconds: 5, programs }, say)
        : stuck({ services: 1_000, streams: 200, rate: 50, seconds: 25, programs }, say),
  },
];

interface Row {
  readonly title: string;
  readonly figure: keyof Figures;
  readonly unit: string;
}

const ROWS: readonly Row[] = [
  { title: 'endpoint change → all streams, p50', figure: 'endpointP50', unit: 'ms' },
  { title: 'endpoint change → all streams, p99', figure: 'endpointP99', unit: 'ms' },
  { title: 'CPU per endpoint change', figure: 'endpointCpu', unit: 'ms' },
  { title: 'route change → all streams, p99', figure: 'ruleP99', unit: 'ms' },
  { title: 'CPU per route change', figure: 'ruleCpu', unit: 'ms' },
  { title: 'new preview → all streams, p99', figure: 'previewP99', unit: 'ms' },
  { title: 'initial sync, wall', figure: 'syncWall', unit: 'ms' },
  { title: 'initial sync, CPU', figure: 'syncCpu', unit: 'ms' },
  { title: 'reconnect of all streams, wall', figure: 'reconnectWall', unit: 'ms' },
  { title: 'reconnect of all streams, CPU', figure: 'reconnectCpu', unit: 'ms' },
  { title: 'reconnect, resources re-sent', figure: 'resent', unit: '' },
  { title: 'resident memory when synced', figure: 'memory', unit: 'MB' },
];

const { values: flags } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' } },
});
const contenders = CONTENDERS.filter((each) => flags.only === undefined || each === flags.only);
const alone = ALONE.filter(({ name }) => flags.only === undefined || name === flags.only);
if (contenders.length + alone.length === 0) throw new Error(`There is no ${flags.only} to measure.`);
const programs = await goPrograms(say);
const sections: string[] = [];
for (const size of contenders.length === 0 ? [] : flags.quick ? SIZES.slice(0, 1) : SIZES) {
  const measured = new Map<Contender, Figures>();
  for (const contender of contenders) measured.set(contender, await measure(contender, size, programs, say));
  for (const [contender, medians] of await syncInTurn(size, measured)) {
    const figures = measured.get(contender);
    if (figures !== undefined) measured.set(contender, { ...figures, ...medians });
  }
  sections.push(tableOf(size, measured));
  say(`\n${sections.at(-1)}\n`);
}
if (flags.only === undefined && !flags.quick) {
  await writeSection(
    'xDS',
    'npm run bench:xds',
    `Delta ADS over loopback, every stream on a connection of its own. Both caches of go-control-plane are fed with the resources that
Detour makes; its Node has the flags of its image. The last column is Detour by the better of the two.

${sections.join('\n\n')}`,
  );
}

for (const { title, measure: measureAlone } of alone) {
  const body = await measureAlone(programs, flags.quick);
  say(`\n${body}\n`);
  if (!flags.quick) await writeSection(title, 'npm run bench:xds', body);
}

/** All of them again and again, so that what the machine does besides concerns all. @param first one round of each */
async function syncInTurn(size: Size, first: ReadonlyMap<Contender, SyncFigures>): Promise<ReadonlyMap<Contender, SyncFigures>> {
  const rounds = new Map([...first].map(([contender, figures]) => [contender, [figures]]));
  const count = flags.quick ? 2 : size.syncs;
  for (let round = 2; round <= count; round += 1) {
    say(`Synced once more, ${round} of ${count}`);
    for (const [contender, all] of rounds) all.push(await syncAgain(contender, size, programs));
  }
  return new Map([...rounds].map(([contender, all]) => [contender, medianSync(all)]));
}

function tableOf({ services, streams, changes, before, syncs }: Size, measured: ReadonlyMap<Contender, Figures>): string {
  const count = new Intl.NumberFormat('en');
  const rows = ROWS.map(({ title, figure, unit }) => {
    const values = contenders.map((contender) => measured.get(contender)?.[figure] ?? Number.NaN);
    const [detour = Number.NaN, ...others] = values;
    const ratio = unit === '' ? '' : (detour / Math.min(...others)).toFixed(detour / Math.min(...others) < 0.1 ? 3 : 2);
    return [unit === '' ? title : `${title}, ${unit}`, ...values.map((value) => figureText(value)), ratio];
  });
  const head = [`${count.format(services)} services × ${count.format(streams)} streams`, ...contenders, 'ratio'];
  return `${table(head, rows)}

Medians and percentiles over ${changes} changes of each kind, after ${before} that are not counted. Initial sync and memory: medians of ${flags.quick ? 2 : syncs}
servers of each kind, in turn.`;
}

function figureText(value: number): string {
  return new Intl.NumberFormat('en', { maximumFractionDigits: value < 100 ? 1 : 0 }).format(value);
}
