/** A replica in a process of its own, so that it can be killed. Arguments: those of `detour serve`. Ends with its parent. */
import { startApp } from '../../../src/app.ts';
import { readConfig } from '../../../src/config.ts';
import { createLogger } from '../../../src/logger.ts';
import { QUICK } from './status-replica.ts';

const { config, mistakes } = readConfig(process.argv.slice(2), {});
if (config === undefined) throw new Error(mistakes.join('\n'));
process.stdin.resume().once('end', () => process.exit());
await startApp(config, { log: createLogger('error'), version: '1.2.3', status: QUICK });
