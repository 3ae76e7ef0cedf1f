/** The servers that are compared, each a process of its own. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterChange } from '../../src/model/cluster-state.ts';
import { imageEnvironment, imageFlags } from '../image-flags.ts';
import { bundledServer } from './bundled-server.ts';
import type { GoPrograms } from './go-programs.ts';
import { LineProcess } from './line-process.ts';
import { Resources, translateSettings } from './resources.ts';
import { world } from './world.ts';

export const CONTENDERS = ['Detour', 'linear cache', 'snapshot cache'] as const;
export type Contender = (typeof CONTENDERS)[number];

export interface RunningServer extends AsyncDisposable {
  readonly process: LineProcess;
  readonly port: number;
  /** What the load is to wait for; the change is made by {@link Prepared.apply}. */
  prepare(changes: readonly ClusterChange[]): Prepared;
}

export interface Prepared {
  readonly put: readonly string[];
  /** @returns when the server was given it, in µs since the epoch. */
  apply(): Promise<number>;
}

/** As the image runs it. */
async function startDetour(services: number): Promise<LineProcess> {
  const args = [...(await imageFlags()), await bundledServer(), String(services)];
  return new LineProcess(process.execPath, args, await imageEnvironment());
}

/** The server holds the world and waits for streams. */
export async function startServer(contender: Contender, services: number, programs: GoPrograms): Promise<RunningServer> {
  await using stack = new AsyncDisposableStack();
  // Also says which resources a change of the cluster puts, and hands them to those that do not translate.
  const resources = new Resources(await translateSettings());
  const { bytes } = resources.apply(world(services));
  const isDetour = contender === 'Detour';
  const process_ = stack.use(
    isDetour ? await startDetour(services) : new LineProcess(programs.server, ['-cache', contender.replace(' cache', '')]),
  );
  const { port } = await process_.answer<{ port: number }>();
  if (!isDetour) {
    const folder = await mkdtemp(join(tmpdir(), 'detour-bench-'));
    try {
      await writeFile(join(folder, 'world'), bytes);
      await process_.ask({ load: join(folder, 'world') });
    } finally {
      await rm(folder, { recursive: true });
    }
  }
  const running = stack.move();
  return {
    process: process_,
    port,
    prepare: (changes) => {
      const changed = resources.apply(changes);
      const order = isDetour ? changes : { update: changed.bytes.toString('base64') };
      return { put: changed.put, apply: async () => (await process_.ask<{ at: number }>(order)).at };
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
