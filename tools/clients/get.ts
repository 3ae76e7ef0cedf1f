/** Makes sure that the clients which tests drive are there: `tools/run tools/clients/get.ts`. */
import { findEnvoy } from '../../src/cli/envoy-binary.ts';
import { getPart } from '../kubernetes/build-part.ts';
import { OLDER_ENVOYS } from './envoys.ts';
import { GO_CLIENT } from './go-client.ts';
import { getPythonPackages } from './python-packages.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

try {
  const path = process.env['PATH'] ?? '';
  const progress = (line: string): void => console.log(line);
  for (const version of Object.values(OLDER_ENVOYS)) {
    stop.signal.throwIfAborted();
    await findEnvoy({ override: undefined, path, version, progress });
  }
  await getPythonPackages({ progress, signal: stop.signal });
  await getPart(GO_CLIENT, { assets: undefined, path, progress, signal: stop.signal });
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
