/** The property of the delivery (test/property/xds.test.ts), more often: `tools/run tools/xds-runs.ts 20000`. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const runs = Number(process.argv[2] ?? 20_000);
if (!Number.isInteger(runs) || runs < 1) throw new Error('usage: tools/run tools/xds-runs.ts RUNS');
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url));
const args = [vitest, 'run', 'test/property/xds.test.ts'];
const env = { ...process.env, XDS_RUNS: String(runs) };
process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit', env }).status ?? 1;
