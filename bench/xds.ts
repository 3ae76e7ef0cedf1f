/**
 * The xDS server beside go-control-plane's two caches: the same resources, the same load, one after the other.
 *
 *   npm run bench:xds              1,000 services × 100 streams, then 10,000 × 200; minutes, 3 GB
 *   npm run bench:xds -- --quick   the first alone
 */
import { parseArgs } from 'node:util';
import { table, writeSection } from './results.ts';
import { CONTENDERS, type Contender } from './xds/contenders.ts';
import { goPrograms } from './xds/go-programs.ts';
import { type Figures, measure, type Size } from './xds/scenario.ts';

const SIZES: readonly Size[] = [
  { services: 1_000, streams: 100, changes: 30 },
  { services: 10_000, streams: 200, changes: 10 },
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
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const contenders = CONTENDERS.filter((each) => flags.only === undefined || each === flags.only);
const programs = await goPrograms(say);
const sections: string[] = [];
for (const size of flags.quick ? SIZES.slice(0, 1) : SIZES) {
  const measured = new Map<Contender, Figures>();
  for (const contender of contenders) measured.set(contender, await measure(contender, size, programs, say));
  sections.push(tableOf(size, measured));
  say(`\n${sections.at(-1)}\n`);
}
if (flags.only === undefined && !flags.quick) {
  await writeSection(
    'xDS',
    'npm run bench:xds',
    `Delta ADS over loopback, every stream on a connection of its own. Both caches of go-control-plane are fed with the resources that
Detour makes. The last column is Detour by the better of the two.

${sections.join('\n\n')}`,
  );
}

function tableOf({ services, streams, changes }: Size, measured: ReadonlyMap<Contender, Figures>): string {
  const count = new Intl.NumberFormat('en');
  const rows = ROWS.map(({ title, figure, unit }) => {
    const values = contenders.map((contender) => measured.get(contender)?.[figure] ?? Number.NaN);
    const [detour = Number.NaN, ...others] = values;
    const ratio = unit === '' ? '' : (detour / Math.min(...others)).toFixed(detour / Math.min(...others) < 0.1 ? 3 : 2);
    return [unit === '' ? title : `${title}, ${unit}`, ...values.map((value) => figureText(value)), ratio];
  });
  const head = [`${count.format(services)} services × ${count.format(streams)} streams`, ...contenders, 'ratio'];
  return `${table(head, rows)}\n\nMedians and percentiles over ${changes} changes of each kind.`;
}

function figureText(value: number): string {
  return new Intl.NumberFormat('en', { maximumFractionDigits: value < 100 ? 1 : 0 }).format(value);
}
