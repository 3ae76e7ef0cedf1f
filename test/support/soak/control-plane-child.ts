/**
 * The control plane of the soak, in a process of its own: what is measured holds nothing of whoever measures. Arguments:
 * those of `detour serve`. Runs with --expose-gc; each line on standard input is answered by a line of what is held then.
 * Ends with its parent.
 */
import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { getHeapStatistics, queryObjects } from 'node:v8';
import { startApp } from '../../../src/app.ts';
import { readConfig } from '../../../src/config.ts';
import { createLogger } from '../../../src/logger.ts';
import { LEDGER_LIMITS } from '../../../src/status/event-ledger.ts';
import { Session } from '../../../src/xds/session.ts';
import { XdsStream } from '../../../src/xds/stream.ts';
import { View } from '../../../src/xds/view.ts';
import type { Held } from './held.ts';

/** What waits, waits shortly: then all that was is over when a sample is taken. */
const TIMES = {
  intercepts: { lingerMs: 200 },
  limits: { blockedMs: 1_000, idleViewMs: 500, pingMs: 3_000, pingTimeoutMs: 5_000 },
  status: {
    ledger: {
      ...LEDGER_LIMITS,
      settleMs: 100,
      topics: 200,
      perObject: { burst: 5, everyMs: 100 },
      inTotal: { burst: 20, everyMs: 50 },
    },
    everyMs: 250,
    sweepMs: 2_000,
  },
};

const { config, mistakes } = readConfig(process.argv.slice(2), {});
if (config === undefined) throw new Error(mistakes.join('\n'));
const { gc } = globalThis;
if (gc === undefined) throw new Error('It needs --expose-gc.');

const { xds, admin } = await startApp(config, { log: createLogger('error'), version: '1.2.3', ...TIMES });
process.stdout.write(`${JSON.stringify({ xds: xds.port, admin: admin.port })}\n`);

for await (const _ of createInterface(process.stdin)) process.stdout.write(`${JSON.stringify(await held(gc))}\n`);
process.exit();

async function held(collect: () => void): Promise<Held> {
  // Each of them collects garbage; what is finalized by one collection is let go of by the next.
  const objects = { streams: count(XdsStream), sessions: count(Session), views: count(View) };
  await wait(20);
  collect();
  const { used_heap_size, external_memory } = getHeapStatistics();
  const kinds = Object.groupBy(process.getActiveResourcesInfo(), (kind) => kind);
  const { user, system } = process.cpuUsage();
  return {
    heap: used_heap_size + external_memory,
    resident: process.memoryUsage.rss(),
    files: readdirSync('/proc/self/fd').length,
    handles: Object.fromEntries(Object.entries(kinds).map(([kind, all = []]) => [kind, all.length])),
    objects,
    cpuMs: (user + system) / 1000,
  };
}

function count(kind: { readonly name: string; readonly prototype: object }): number {
  // Without further options it counts; the types do not tell.
  return queryObjects(kind as never) as unknown as number;
}
