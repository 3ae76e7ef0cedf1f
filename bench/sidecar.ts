/**
 * What a sidecar adds to a request: the same app through nothing, through an Envoy that has one route for all, and through
 * Detour's sidecars, inbound and outbound, with and without a key. One worker each, loopback.
 *
 *   npm run bench:sidecar
 */
import { drive, type Measurement, median } from './drive.ts';
import { table, writeSection } from './results.ts';
import { BODY, openLab, type Way } from './sidecar/lab.ts';

const ROUNDS = 15;
const ROUND_MS = 250;
/** For throughput. Latency is that of a connection of its own, so that no request waits for another. */
const CONNECTIONS = 16;

interface Sample {
  readonly alone: Measurement;
  readonly full: Measurement;
}

async function sample({ port, envoy, headers }: Way): Promise<Sample> {
  const order = { port, headers: { host: 'api', ...headers }, body: BODY, ms: ROUND_MS };
  const alone = await drive(envoy, { ...order, connections: 1 });
  return { alone, full: await drive(envoy, { ...order, connections: CONNECTIONS }) };
}

/** All ways take turns, so that what else the machine does meets all of them. */
async function measure(): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const say = (line: string): boolean => process.stdout.write(`${line}\n`);
  await using lab = await openLab(say);
  const samples = new Map<string, Sample[]>(lab.ways.map(({ title }) => [title, []]));
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    say(round === 0 ? 'warming up…' : `round ${round} of ${ROUNDS}…`);
    for (const way of round % 2 === 0 ? lab.ways : lab.ways.toReversed()) {
      const measured = await sample(way);
      if (round > 0) samples.get(way.title)?.push(measured);
    }
  }
  return samples;
}

type Figure = (sample: Sample) => number;

const samples = await measure();
const [nothing = [], plain = []] = [...samples.values()];

/** Of each round, so that both have seen the same machine. */
function ratio(list: readonly Sample[], to: readonly Sample[], figure: Figure): string {
  const ratios = list.flatMap((each, round) => {
    const other = to[round];
    return other === undefined ? [] : [figure(each) / figure(other)];
  });
  return median(ratios).toFixed(2);
}

function figures(figure: Figure, digits: number, against: readonly (readonly Sample[])[]): string[][] {
  const format = new Intl.NumberFormat('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return [...samples].map(([title, list]) => [
    title,
    format.format(median(list.map(figure))),
    ...against.map((to) => ratio(list, to, figure)),
  ]);
}

const both = ['× nothing', '× plain Envoy'];
const tables = [
  table(
    ['µs of a request, p50', 'µs', ...both],
    figures(({ alone }) => alone.p50Micros, 0, [nothing, plain]),
  ),
  table(
    ['µs of a request, p99', 'µs', ...both],
    figures(({ alone }) => alone.p99Micros, 0, [nothing, plain]),
  ),
  table(
    ['requests a second', 'requests', ...both],
    figures(({ full }) => full.requestsPerSecond, 0, [nothing, plain]),
  ),
  table(
    ['CPU of the Envoy between', 'µs a request', '× plain Envoy'],
    figures(({ full }) => full.cpuMicros, 1, [plain]).slice(1),
  ),
];
process.stdout.write(`\n${tables.join('\n\n')}\n`);
await writeSection(
  'Sidecars',
  'npm run bench:sidecar',
  `The app is an Envoy that answers by itself; between it and the client is nothing, an Envoy with one route for all, or a sidecar
of Detour that has its configuration from a control plane, with explicit ports. A key is that of the last preview, and leads to
the same app. Latency is that of one connection; throughput and CPU (of the worker between, a request) those of ${CONNECTIONS}. Every
Envoy has one worker; app, client and what is between share the machine's processors. Medians of ${ROUNDS} rounds, ratios within
each round.

${tables.join('\n\n')}`,
);
