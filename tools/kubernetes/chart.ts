/** The Helm chart, and what is made of it and for it: `k8s/detour.yaml`, `k8s/detour-namespaced.yaml`, the bootstrap. */
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runEnvoy } from '../../src/cli/envoy.ts';
import { certificateFiles } from '../../src/envoy-certificates.ts';
import { type EnvoyCredentials, sdsFiles, tlsSocket, tokenFilters } from '../../src/envoy-credentials.ts';

const run = promisify(execFile);

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const CHART = join(root, 'k8s', 'chart', 'detour');
export const SYSTEM_NAMESPACE = 'detour-system';

/** Helm's arguments that make them, by their paths in the project. */
export const MANIFESTS: Readonly<Record<string, readonly string[]>> = {
  // A certificate that is in a file for everybody keeps nobody out.
  'k8s/detour.yaml': ['--set', 'plaintext=true'],
  'k8s/detour-namespaced.yaml': ['--set', 'plaintext=true', '--set', 'watchNamespaces={shop}'],
};

export function manifestFile(path: string): string {
  return join(root, path);
}

/** What the chart's gateway is started with, before the values of an installation are put in. */
export const GATEWAY_BOOTSTRAP = join(CHART, 'files', 'gateway.yaml');
export const GATEWAY_FLAGS: readonly string[] = [
  ...['--role', 'gateway', '--node', `${SYSTEM_NAMESPACE}/gateway`, '--xds', `detour.${SYSTEM_NAMESPACE}:18000`],
  ...['--listen', '0.0.0.0:8080', '--admin', '127.0.0.1:9901', '--probes', '0.0.0.0:9902'],
];

/**
 * The text of `helm template`.
 * @throws Error with what helm says, for values that the chart refuses.
 */
export async function template(helm: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(helm, ['template', 'detour', CHART, '--namespace', SYSTEM_NAMESPACE, ...args]);
  return stdout;
}

const PLAINTEXT = `# To try it: Envoys are served in plaintext here (--plaintext on), each as whoever it says it is. An installation by Helm
# makes a certificate, and has Envoys show who they are: see docs/install.md.
`;

/** The text of a file of {@link MANIFESTS}. */
export async function manifest(helm: string, args: readonly string[]): Promise<string> {
  const objects = await template(helm, '--set', 'namespace.create=true', ...args);
  // Nobody upgrades these by Helm, and its marks say so to no purpose.
  const own = objects.replaceAll(/^ *(?:helm\.sh\/chart|app\.kubernetes\.io\/(?:managed-by|instance)): .*\n/gm, '');
  return `# Made from k8s/chart/detour by \`npm run manifests\`: change the chart, not this.\n${PLAINTEXT}${own}`;
}

/** How the chart's gateway and its control plane know each other: what the chart puts into the bootstrap, and beside it. */
export const GATEWAY_CREDENTIALS = join(CHART, 'files', 'credentials.json');
const CREDENTIALS = {
  serverName: `detour.${SYSTEM_NAMESPACE}`,
  ca: { file: '/etc/detour/tls/ca.crt' },
  sdsFolder: '/etc/envoy',
};
export const CREDENTIALS_BY: Readonly<Record<string, EnvoyCredentials>> = {
  token: { ...CREDENTIALS, token: '/var/run/secrets/detour/token' },
  certificate: {
    ...CREDENTIALS,
    certificate: { chain: '/etc/detour/certificate/tls.crt', key: '/etc/detour/certificate/tls.key' },
  },
};

/** The text of {@link GATEWAY_CREDENTIALS}. */
export function gatewayCredentials(): string {
  const by = Object.entries(CREDENTIALS_BY).map(([how, credentials]) => {
    const sds = Object.fromEntries(sdsFiles(credentials));
    return [how, { transport_socket: tlsSocket(credentials), ...tokenFilters(credentials), sds }];
  });
  return `${JSON.stringify(Object.fromEntries(by), undefined, 2)}\n`;
}

/** Where the chart's gateway finds a certificate: what the chart puts beside the bootstrap, for each Secret. */
export const GATEWAY_CERTIFICATE = join(CHART, 'files', 'certificate.json');
export const CERTIFICATES_FOLDER = '/etc/detour/certificates';

/** The text of {@link GATEWAY_CERTIFICATE}, with NAME for the Secret's. */
export function gatewayCertificate(): string {
  const [content] = certificateFiles([{ name: 'NAME', folder: `${CERTIFICATES_FOLDER}/NAME` }]).values();
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

/** The script of the chart's gateway where it ends TLS, `PROBE_SCRIPTS.tls`. */
export const GATEWAY_PROBE = join(CHART, 'files', 'probes-tls.lua');

/** The text of {@link GATEWAY_BOOTSTRAP}: what the command itself prints. */
export async function gatewayBootstrap(): Promise<string> {
  return `# What this prints, written here by \`npm run manifests\`:\n#   detour envoy ${GATEWAY_FLAGS.join(' ')}\n${await printBootstrap(GATEWAY_FLAGS)}`;
}

/** What `detour envoy` prints. @throws Error with its mistakes. */
export async function printBootstrap(args: readonly string[]): Promise<string> {
  let [printed, said] = ['', ''];
  const out = (text: string): void => {
    printed += text;
  };
  const err = (text: string): void => {
    said += text;
  };
  if ((await runEnvoy(args, { out, err, environment: {} })) !== 0) throw new Error(said);
  return printed;
}
