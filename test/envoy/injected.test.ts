/** What is injected is something that the real Envoy takes. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { injectPod } from '../../src/inject/inject-pod.ts';
import { withAdditions } from '../../src/inject/patch.ts';
import type { InjectSettings } from '../../src/inject/settings.ts';
import { envoyBinary } from '../support/envoy.ts';

const run = promisify(execFile);

interface Injected {
  readonly metadata: { readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly initContainers: readonly [object, { readonly args: readonly string[] }] };
}

const SETTINGS: InjectSettings = {
  xds: [{ host: 'detour.detour-system', port: 18_000 }],
  ipFamilies: ['ipv4'],
  credentials: undefined,
  image: 'envoyproxy/envoy:distroless-v1.40.0',
  captureImage: 'detour:0.1.0',
  resources: { requests: {}, limits: {} },
  concurrency: 2,
  systemNamespace: 'detour-system',
};

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detour-injected-'));
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=authority'];
  await run('openssl', ['req', '-x509', ...kind, '-keyout', join(folder, 'ca.key'), '-out', join(folder, 'ca.crt')]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function inject(settings: Partial<InjectSettings>): Injected {
  const pod = { metadata: { name: 'api-1', namespace: 'shop' }, spec: { containers: [{ name: 'app', image: 'api' }] } };
  const { patch } = injectPod(pod, { namespace: 'shop', name: 'api-1', isRestricted: false }, { ...SETTINGS, ...settings });
  // What was added is what this file is about.
  return withAdditions<object>(pod, patch) as Injected;
}

/** As a kubelet starts it, but for where it mounts the volume. */
async function validate({ metadata, spec }: Injected): Promise<string> {
  const [, { args }] = spec.initContainers;
  const mounted = (text: string): string => text.replaceAll('/var/run/secrets/detour', folder);
  await writeFile(join(folder, 'token'), 'a.b.c');
  await writeFile(join(folder, 'token.sds.json'), mounted(metadata.annotations?.['detour.dev/token-file'] ?? ''));
  const expanded = args.map((each) =>
    mounted(each).replaceAll('$(POD_NAME)', 'api-1').replaceAll('$(POD_NAMESPACE)', 'shop').replaceAll('$$', '$'),
  );
  const { stdout } = await run(await envoyBinary(), [...expanded, '--mode', 'validate']);
  return stdout;
}

test.each([
  ['plain', {}],
  ['of a cluster with IPv4 and IPv6', { ipFamilies: ['ipv4', 'ipv6'] }],
  ['of a cluster with IPv6 only', { ipFamilies: ['ipv6'] }],
] as const)('a sidecar %s is one that Envoy takes', async (_, settings) => {
  expect(await validate(inject(settings))).toContain("configuration '' OK");
});

test('a sidecar that shows a token is one that Envoy takes', async () => {
  const ca = await readFile(join(folder, 'ca.crt'), 'utf8');
  const injected = inject({ credentials: { serverName: 'detour.detour-system', ca } });
  expect(await validate(injected)).toContain("configuration '' OK");
});
