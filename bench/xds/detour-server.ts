/**
 * A control plane as `detour serve` starts it, but for its source: the world of this benchmark, and the changes that come
 * as lines of JSON on standard input. Each is answered by a line: when it was given to the control plane, in µs. The line
 * `"holds"` is answered by what it holds, after collecting garbage where Node was started with --expose-gc.
 *
 *   node bench/xds/detour-server.ts SERVICES
 */
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { Metrics } from '../../src/admin/metrics.ts';
import { xdsMetrics } from '../../src/admin/xds-metrics.ts';
import { collectGarbage } from '../../src/collect-garbage.ts';
import { Feed } from '../../src/feed.ts';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import { createLogger } from '../../src/logger.ts';
import type { ClusterChange } from '../../src/model/cluster-state.ts';
import type { OnBatch, SourceBatch } from '../../src/sources/source.ts';
import { Translator } from '../../src/translate/translate.ts';
import { XdsServer } from '../../src/xds/xds.ts';
import { translateSettings } from './resources.ts';
import { world } from './world.ts';

/** Sizes in MB. */
export interface Holds {
  /** Heap, and what it holds outside of itself. */
  readonly heap: number;
  readonly resident: number;
  readonly streams: number;
  /** How many streams it has closed, or given up with their connection, by its own metrics. */
  readonly closed: number;
}

const settings = await translateSettings();
const log = createLogger('error');
const translator = new Translator(settings);
const metrics = new Metrics();
const server = new XdsServer({
  settings,
  createTranslation: (scope) => translator.scope(scope),
  observer: xdsMetrics(metrics, log),
  now: Date.now,
  onCalm: () => collectGarbage(),
});
const { port } = await server.listen({ host: '127.0.0.1', port: 0 });

const batch = (changes: readonly ClusterChange[]): SourceBatch => ({ changes, problems: [], synced: true, trouble: undefined });
let say: OnBatch = () => undefined;
const follow = (onBatch: OnBatch): Disposable => {
  say = onBatch;
  say(batch(world(Number(process.argv[2]))));
  return { [Symbol.dispose]: () => undefined };
};
const feed = new Feed({
  source: { name: 'bench', follow, lastReadAt: Date.now },
  engine: new InterceptEngine(),
  publish: (model, change) => {
    server.publish(model, change);
    if (!announced) answer({ port });
    announced = true;
  },
  onChanges: () => undefined,
  log,
  now: Date.now,
});
let announced = false;
feed.start();

createInterface(process.stdin)
  .on('line', (line) => {
    // Written by the benchmark, from the same type.
    const changes = JSON.parse(line) as readonly ClusterChange[] | 'holds';
    if (changes === 'holds') return void holds().then(answer);
    answer({ at: Math.round((performance.timeOrigin + performance.now()) * 1000) });
    say(batch(changes));
  })
  .on('close', () => process.exit());

async function holds(): Promise<Holds> {
  // What is finalized by one collection is let go of by the next.
  for (let round = 0; round < 4; round += 1) {
    // Pages that it has no use for go back to the system.
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    await wait(50);
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  const { body } = await metrics.render();
  // A connection that gives no sign of life is given up, with its stream.
  const counted = body.matchAll(
    /^(?:detour_xds_streams_closed_total|detour_xds_connections_given_up_total\{why="dead"\}) (\d+)$/gm,
  );
  const closed = [...counted].reduce((sum, [, count]) => sum + Number(count), 0);
  return {
    heap: (heapUsed + external) / 1e6,
    resident: rss / 1e6,
    streams: server.proxies().length,
    closed,
  };
}

function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
