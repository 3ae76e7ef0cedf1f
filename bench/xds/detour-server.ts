/**
 * A control plane as `detour serve` starts it, but for its source: the world of this benchmark, and the changes that come
 * as lines of JSON on standard input. Each is answered by a line: when it was given to the control plane, in µs.
 *
 *   node bench/xds/detour-server.ts SERVICES
 */
import { createInterface } from 'node:readline';
import { Metrics } from '../../src/admin/metrics.ts';
import { xdsMetrics } from '../../src/admin/xds-metrics.ts';
import { Feed } from '../../src/feed.ts';
import { InterceptEngine } from '../../src/intercepts/engine.ts';
import { createLogger } from '../../src/logger.ts';
import type { ClusterChange } from '../../src/model/cluster-state.ts';
import type { OnBatch, SourceBatch } from '../../src/sources/source.ts';
import { Translator } from '../../src/translate/translate.ts';
import { XdsServer } from '../../src/xds/xds.ts';
import { translateSettings } from './resources.ts';
import { world } from './world.ts';

const settings = await translateSettings();
const log = createLogger('warn');
const translator = new Translator(settings);
const server = new XdsServer({
  settings,
  createTranslation: (scope) => translator.scope(scope),
  observer: xdsMetrics(new Metrics(), log),
  now: Date.now,
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
    const changes = JSON.parse(line) as readonly ClusterChange[];
    answer({ at: Math.round((performance.timeOrigin + performance.now()) * 1000) });
    say(batch(changes));
  })
  .on('close', () => process.exit());

function answer(value: object): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
