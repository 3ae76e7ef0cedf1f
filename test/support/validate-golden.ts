/** Golden resources, looked at by a real Envoy, which wants the files that they name. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { certificateFiles } from '../../src/envoy-certificates.ts';
import type { EnvoyResource } from '../../src/translate/resource.ts';
import { Authority } from './certificates.ts';
import { validateConfig } from './envoy.ts';
import { MountedSecret } from './mounted-secret.ts';
import { staticConfig } from './static-config.ts';

/** What `tls_sds` is in every `proxy.yaml` that has certificates. */
const SDS_FOLDER = '/etc/envoy';
const NAMES = ['shop', 'wildcard'];

/** @returns undefined, or why that Envoy refuses them. @param version of Envoy; the usual one if left out */
export async function validateGolden(resources: readonly EnvoyResource[], version?: string): Promise<string | undefined> {
  const { cert, key } = new Authority().issue({ names: ['DNS:shop.example.com'] });
  await using mount = await MountedSecret.mount({ 'tls.crt': cert, 'tls.key': key });
  const certificates = NAMES.map((name) => ({ name, folder: mount.folder }));
  for (const [name, content] of certificateFiles(certificates))
    await writeFile(join(mount.folder, name), JSON.stringify(content));
  const config = { node: { id: 'golden', cluster: 'golden' }, ...staticConfig(resources) };
  return await validateConfig(JSON.parse(JSON.stringify(config).replaceAll(SDS_FOLDER, mount.folder)), version);
}
