/** `npm run manifests`: writes what is made of the chart, and for it. A test holds them equal. */
import { writeFile } from 'node:fs/promises';
import { PROBE_SCRIPTS } from '../../src/envoy-probes.ts';
import {
  GATEWAY_BOOTSTRAP,
  GATEWAY_CERTIFICATE,
  GATEWAY_CREDENTIALS,
  GATEWAY_PROBE,
  gatewayBootstrap,
  gatewayCertificate,
  gatewayCredentials,
  MANIFESTS,
  manifest,
  manifestFile,
} from './chart.ts';
import { getClient } from './client-programs.ts';

const helm = await getClient('helm', {
  path: process.env['PATH'] ?? '',
  progress: (line) => console.log(line),
  signal: AbortSignal.timeout(300_000),
});
await writeFile(GATEWAY_BOOTSTRAP, await gatewayBootstrap());
await writeFile(GATEWAY_CREDENTIALS, gatewayCredentials());
await writeFile(GATEWAY_CERTIFICATE, gatewayCertificate());
await writeFile(GATEWAY_PROBE, PROBE_SCRIPTS.tls);
for (const [path, args] of Object.entries(MANIFESTS)) await writeFile(manifestFile(path), await manifest(helm, args));
