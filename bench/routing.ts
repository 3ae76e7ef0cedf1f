/**
 * What routing costs an Envoy, by the number of previews of one service: Detour's own gateway configuration beside a
 * plain list of header routes. Both answer themselves, so that finding the route is what is measured; one worker.
 *
 *   npm run bench:routing
 */
import { type EnvoyProcess, startEnvoy } from '../test/support/envoy.ts';
import { freePort } from '../test/support/ports.ts';
import { until } from '../test/support/until.ts';
import { detourGatewayConfig } from './detour-gateway.ts';
import { drive, type Measurement, median } from './drive.ts';
import { headerListConfig } from './header-list.ts';
import { previewKey } from './replies.ts';
import { table, writeSection } from './results.ts';

const SIZES = [1, 100, 1_000, 10_000];
const ROUNDS = 18;
const ROUND_MS = 200;
const CONNECTIONS = 32;
const HOST = 'shop.example.com';

/** A kind of request, and how the configurations of either side see it. */
interface Kind {
  readonly title: string;
  readonly side: 'list' | 'detour';
  /** For the last of so many previews. */
  readonly headers: (key: string) => Readonly<Record<string, string>>;
  readonly keyed: boolean;
}

const KINDS: readonly Kind[] = [
  { title: 'list of routes, `x-detour`', side: 'list', headers: (key) => ({ 'x-detour': key }), keyed: true },
  { title: 'list of routes, no key', side: 'list', headers: () => ({}), keyed: false },
  { title: 'Detour, `x-detour`', side: 'detour', headers: (key) => ({ 'x-detour': key }), keyed: true },
  { title: 'Detour, key in `baggage`', side: 'detour', headers: (key) => ({ baggage: `user=alice,detour=${key}` }), keyed: true },
  { title: 'Detour, no key', side: 'detour', headers: () => ({}), keyed: false },
];

interface Running {
  readonly port: number;
  readonly envoy: EnvoyProcess;
}

async function start(config: (port: number) => object | Promise<object>): Promise<Running> {
  const port = await freePort();
  const envoy = await startEnvoy({ config: await config(port) });
  await until('the listener', async () => (await envoy.admin('/listeners')).includes(`:${port}`));
  return { port, envoy };
}

/** By size and kind, one measurement for each round. */
type Results = ReadonlyMap<number, ReadonlyMap<Kind, readonly Measurement[]>>;

/** All sizes and kinds take turns, sizes of a kind right after each other, so that what else the machine does meets all. */
async function measure(): Promise<Results> {
  await using stack = new AsyncDisposableStack();
  const running = new Map<number, Readonly<Record<Kind['side'], Running>>>();
  const measured = new Map<number, Map<Kind, Measurement[]>>();
  for (const size of SIZES) {
    process.stdout.write(`starting two Envoys with ${size.toLocaleString('en')} previews…\n`);
    const list = await start((port) => headerListConfig(port, size));
    stack.use(list.envoy);
    const detour = await start((port) => detourGatewayConfig(port, size));
    stack.use(detour.envoy);
    running.set(size, { list, detour });
    measured.set(size, new Map(KINDS.map((kind) => [kind, []])));
  }
  // The first round warms up.
  for (let round = 0; round <= ROUNDS; round++) {
    process.stdout.write(round === 0 ? 'warming up…\n' : `round ${round} of ${ROUNDS}…\n`);
    const sizes = round % 2 === 0 ? SIZES : SIZES.toReversed();
    for (const kind of KINDS) {
      for (const size of sizes) {
        const side = running.get(size)?.[kind.side];
        if (side === undefined) continue;
        const key = previewKey(size - 1);
        const headers = { host: HOST, ...kind.headers(key) };
        const order = { port: side.port, connections: CONNECTIONS, headers, body: kind.keyed ? key : 'baseline' };
        const measurement = await drive(side.envoy, { ...order, ms: ROUND_MS });
        if (round > 0) measured.get(size)?.get(kind)?.push(measurement);
      }
    }
  }
  return measured;
}

type Figure = keyof Measurement;

function figures(results: Results, figure: Figure, digits: number): string[][] {
  const format = new Intl.NumberFormat('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return KINDS.map((kind) => {
    const columns = SIZES.map((size) => (results.get(size)?.get(kind) ?? []).map((each) => each[figure]));
    const [first = [], last = []] = [columns.at(0), columns.at(-1)];
    // Of each round, so that both have seen the same machine.
    const ratio = median(last.map((value, round) => value / (first[round] ?? Number.NaN)));
    return [kind.title, ...columns.map((values) => format.format(median(values))), ratio.toFixed(2)];
  });
}

const results = await measure();
const head = (what: string): string[] => [what, ...SIZES.map((size) => size.toLocaleString('en')), 'last / first'];
const tables = [
  table(head('CPU µs a request, by previews'), figures(results, 'cpuMicros', 1)),
  table(head('requests a second, by previews'), figures(results, 'requestsPerSecond', 0)),
];
process.stdout.write(`\n${tables.join('\n\n')}\n`);
await writeSection(
  'Routing',
  'npm run bench:routing',
  `One Envoy worker; every request is for the last of the previews, or carries no key. CPU is the worker thread's own, so it does
not depend on the load generator; requests a second do, where Envoy is fast. Medians of ${ROUNDS} rounds; the last column is the
median of the rounds' own ratios. Detour's side has all that its gateways have (the Lua filter, shards, the mark); the list is
a bare router that knows the one header.

${tables.join('\n\n')}`,
);
