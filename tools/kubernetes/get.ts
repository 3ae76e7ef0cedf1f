/** Makes sure that the Kubernetes programs which tests need are there: `tools/run tools/kubernetes/get.ts`. */
import { getPart } from './build-part.ts';
import { getClient } from './client-programs.ts';
import { PARTS } from './parts.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

try {
  const path = process.env['PATH'] ?? '';
  const progress = (line: string): void => console.log(line);
  for (const part of PARTS) {
    await getPart(part, { assets: process.env['KUBEBUILDER_ASSETS'], path, progress, signal: stop.signal });
  }
  for (const name of ['kubectl', 'helm'] as const) await getClient(name, { path, progress, signal: stop.signal });
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
