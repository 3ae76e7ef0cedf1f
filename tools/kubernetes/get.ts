/** Makes sure that the Kubernetes parts which tests need are there: `tools/run tools/kubernetes/get.ts`. */
import { getPart } from './build-part.ts';
import { ETCD_SERVER, KUBE_APISERVER } from './parts.ts';

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());

try {
  for (const part of [ETCD_SERVER, KUBE_APISERVER]) {
    await getPart(part, {
      assets: process.env['KUBEBUILDER_ASSETS'],
      path: process.env['PATH'] ?? '',
      progress: (line) => console.log(line),
      signal: stop.signal,
    });
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
