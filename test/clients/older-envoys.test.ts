/** Whatever Detour can send, and every bootstrap that it prints, is also what the oldest supported Envoys take. */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { bootstrap } from '../../src/envoy-bootstrap.ts';
import type { EnvoyProxy } from '../../src/model/node.ts';
import type { EnvoyResource, ResourceType } from '../../src/translate/resource.ts';
import { OLDER_ENVOYS } from '../../tools/clients/envoys.ts';
import { validateConfig } from '../support/envoy.ts';
import { validateGolden } from '../support/validate-golden.ts';

const FOLDER = fileURLToPath(new URL('../golden/', import.meta.url));
const CASES = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

type Named = { readonly name?: string; readonly cluster_name?: string };

/** As `resources.yaml` has them: lists of messages by type. */
async function resourcesOf(name: string): Promise<readonly EnvoyResource[]> {
  // The golden tests write these files.
  const lists = parse(await readFile(join(FOLDER, name, 'resources.yaml'), 'utf8')) as Record<ResourceType, readonly Named[]>;
  return Object.entries(lists).flatMap(([type, messages]) =>
    messages.map((message) => ({
      type: type as ResourceType,
      name: message.name ?? message.cluster_name ?? '',
      message,
      clusters: [],
      endpointsName: undefined,
      intercepts: [],
    })),
  );
}

const local = (port: number): { readonly host: string; readonly port: number } => ({ host: '127.0.0.1', port });
const PROXIES: readonly EnvoyProxy[] = [
  {
    ...{ role: 'gateway', namespace: 'shop', name: 'edge', listen: local(8080) },
    ...{ previewDomain: 'preview.example.com', corsOrigins: ['https://app.example.com'] },
  },
  {
    ...{ role: 'sidecar', namespace: 'shop', name: 'api-0', inbound: [{ listen: local(15080), app: local(8080) }] },
    ...{ outbound: local(15001), services: ['payments/ledger'] },
  },
];

// A validation refuses fields that it does not know, as Envoys that run do not.
describe.each(Object.values(OLDER_ENVOYS))('Envoy %s', (version) => {
  test.each(CASES)('accepts all of %s', async (name) => {
    expect(await validateGolden(await resourcesOf(name), version)).toBeUndefined();
  });

  test.each(PROXIES)('accepts the bootstrap of a $role', async (proxy) => {
    const xds = [{ host: 'detour.detour', port: 18000 }];
    for (const protocol of ['delta', 'sotw'] as const) {
      const config = bootstrap({ proxy, xds, admin: local(9901), protocol, probes: local(15020) });
      expect(await validateConfig(config, version)).toBeUndefined();
    }
  });
});
