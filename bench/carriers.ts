/**
 * What a gateway costs that takes carriers from outside away, or signed keys alone, beside one that accepts them: the same
 * gateway, one preview, answers by itself, one worker.
 *
 *   tools/run bench/carriers.ts
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signKey } from '../src/keys/signed-key.ts';
import type { CarrierPolicy } from '../src/model/carriers.ts';
import { type EnvoyProcess, startEnvoy } from '../test/support/envoy.ts';
import { freePort } from '../test/support/ports.ts';
import { until } from '../test/support/until.ts';
import { detourGatewayConfig } from './detour-gateway.ts';
import { drive, median } from './drive.ts';
import { previewKey } from './replies.ts';
import { table } from './results.ts';

const ROUNDS = 9;
const ROUND_MS = 300;
const CONNECTIONS = 32;
const SECRET = 'secret-of-the-benchmark-0123456789';
const KEY = previewKey(0);
const SIGNED = signKey({ key: KEY, expires: 9_999_999_999 }, Buffer.from(SECRET));
/** Nothing of it is remembered, so each request costs the whole computation. */
const FORGED = `${SIGNED.slice(0, -2)}AA`;

type Mode = 'accept' | 'signed' | 'strip';

interface Kind {
  readonly title: string;
  readonly mode: Mode;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What browsers send, too. */
const ORDINARY = {
  accept: 'text/html,application/xhtml+xml',
  'accept-encoding': 'gzip, br',
  'accept-language': 'en',
  cookie: 'session=0123456789abcdef; theme=dark',
  'user-agent': 'a browser of the usual length, as they have it (like all the others) 1.0',
};
const BAGGAGE = (key: string): Readonly<Record<string, string>> => ({ baggage: `user=alice,detour=${key}` });

const KINDS: readonly Kind[] = [
  { title: 'accept, no key', mode: 'accept', headers: {}, body: 'baseline' },
  { title: 'strip, no key', mode: 'strip', headers: {}, body: 'baseline' },
  { title: 'signed, no key', mode: 'signed', headers: {}, body: 'baseline' },
  { title: 'accept, key in `x-detour`', mode: 'accept', headers: { 'x-detour': KEY }, body: KEY },
  { title: 'signed, key in `x-detour`', mode: 'signed', headers: { 'x-detour': SIGNED }, body: KEY },
  { title: 'signed, forged key in `x-detour`', mode: 'signed', headers: { 'x-detour': FORGED }, body: 'baseline' },
  { title: 'accept, key in `baggage`', mode: 'accept', headers: BAGGAGE(KEY), body: KEY },
  { title: 'signed, key in `baggage`', mode: 'signed', headers: BAGGAGE(SIGNED), body: KEY },
  { title: 'strip, key in `baggage`', mode: 'strip', headers: BAGGAGE(KEY), body: 'baseline' },
];

async function start(carriers: CarrierPolicy | undefined): Promise<{ readonly port: number; readonly envoy: EnvoyProcess }> {
  const port = await freePort();
  const envoy = await startEnvoy({ config: await detourGatewayConfig(port, 1, carriers) });
  await until('the listener', async () => (await envoy.admin('/listeners')).includes(`:${port}`));
  return { port, envoy };
}

await using stack = new AsyncDisposableStack();
const folder = await mkdtemp(join(tmpdir(), 'detour-bench-'));
stack.defer(() => rm(folder, { recursive: true, force: true }));
const keysFile = join(folder, 'keys');
await writeFile(keysFile, SECRET);
const running = {
  accept: await start(undefined),
  signed: await start({ kind: 'signed', keysFile }),
  strip: await start({ kind: 'strip' }),
};
for (const { envoy } of Object.values(running)) stack.use(envoy);

const measured = new Map<Kind, number[]>(KINDS.map((kind) => [kind, []]));
// The first round warms up.
for (let round = 0; round <= ROUNDS; round++) {
  for (const kind of round % 2 === 0 ? KINDS : KINDS.toReversed()) {
    const { port, envoy } = running[kind.mode];
    const headers = { host: 'shop.example.com', ...ORDINARY, ...kind.headers };
    const { cpuMicros } = await drive(envoy, { port, connections: CONNECTIONS, headers, body: kind.body, ms: ROUND_MS });
    if (round > 0) measured.get(kind)?.push(cpuMicros);
  }
}
const rows = KINDS.map((kind) => [kind.title, median(measured.get(kind) ?? []).toFixed(1)]);
process.stdout.write(`${table(['`--carriers`, request', 'CPU µs a request'], rows)}\n`);
