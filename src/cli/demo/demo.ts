/** `detour demo`: the shop with its previews and real Envoys on this machine, and a table of how requests travel. */
import { styleText } from 'node:util';
import { toggle } from '../../flag-values.ts';
import { type FlagTable, readFlags } from '../../flags.ts';
import { EXIT, type Io, usageError } from '../command.ts';
import { commandHelp } from '../help.ts';
import { byHand } from './by-hand.ts';
import { playRows } from './play.ts';
import { type RunningShop, startShop } from './start.ts';

const HELP = {
  name: 'demo',
  about:
    'Starts a shop of three services, two previews of it, the control plane and real Envoys, all on 127.0.0.1; shows how\n' +
    'requests travel; then leaves everything running to be tried by hand, until Ctrl-C.\n' +
    'Exit codes: 0 all went as it should, 1 something did not, 2 wrong usage.',
  example: 'detour demo --once',
  variables: false,
};

export const DEMO_FLAGS = { once: toggle('Only show the table and check every row.') } as const satisfies FlagTable;

/** The signals that end the demo, whatever it is doing. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** A second signal within this time is the same Ctrl-C, told twice (npm passes it on). */
const SAME_SIGNAL_MS = 500;

/** @returns the exit code. */
export async function runDemo(args: readonly string[], io: Io): Promise<number> {
  const { values, mistakes, help } = readFlags(DEMO_FLAGS, args, {});
  if (help) {
    io.out(commandHelp(HELP, DEMO_FLAGS));
    return EXIT.ok;
  }
  if (values === undefined) return usageError('demo', mistakes, io);
  const interruption = awaitSignal();
  try {
    return await play(values.once, interruption.signal);
  } catch (error) {
    if (interruption.signal.aborted) return 130;
    process.stderr.write(`${styleText('red', 'The demo failed.')} ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    interruption.forget();
  }
}

async function play(once: boolean, signal: AbortSignal): Promise<number> {
  await using shop = await startShop(say, signal);
  say(`First routed request ${(performance.now() / 1000).toFixed(1)} s after the start.\n`);
  const wrong = await playRows(shop, (line) => process.stdout.write(`${line}\n`), signal);
  if (once) return finish(wrong);
  await offer(shop, signal);
  return wrong.length === 0 ? 0 : 1;
}

function finish(wrong: readonly string[]): number {
  if (wrong.length === 0) process.stdout.write('\nEvery request went the way it should.\n');
  else process.stdout.write(`\n${wrong.length} went wrong:\n${wrong.join('\n')}\n`);
  return wrong.length === 0 ? 0 : 1;
}

/** Starts again what the table killed, says how to go on, and waits for Ctrl-C. */
async function offer(shop: RunningShop, signal: AbortSignal): Promise<void> {
  await shop.revive('pr-42');
  process.stdout.write(byHand(await shop.tellByHand()));
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  process.stdout.write('\n');
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

interface Interruption {
  readonly signal: AbortSignal;
  readonly forget: () => void;
}

function awaitSignal(): Interruption {
  const controller = new AbortController();
  let first = 0;
  const heard = (): void => {
    // Not willing to wait for the tidy end: the watchdog sees to what is left.
    if (controller.signal.aborted && performance.now() - first > SAME_SIGNAL_MS) process.exit(130);
    if (controller.signal.aborted) return;
    first = performance.now();
    controller.abort(new Error('interrupted'));
  };
  for (const name of SIGNALS) process.on(name, heard);
  const forget = (): void => {
    for (const name of SIGNALS) process.off(name, heard);
  };
  return { signal: controller.signal, forget };
}
