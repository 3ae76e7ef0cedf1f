/** Credentials from a program, as kubeconfig's `exec` has it: an ExecCredential on its standard output. */
import { execFile } from 'node:child_process';
import { FieldReader, isFields } from '../model/field-reader.ts';
import { AccessError } from './access.ts';
import type { ExecPlugin } from './kubeconfig-file.ts';

export interface ExecCredential {
  readonly token: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** ms since the epoch; infinite where the program does not say. */
  readonly expiresAt: number;
}

/** What the program is told of the cluster, where it wants to know. */
export interface ExecCluster {
  readonly server: string;
  readonly ca: string | undefined;
  readonly serverName: string | undefined;
  readonly isInsecure: boolean;
}

export interface ExecOptions {
  /** Of this process; the plugin's own come on top. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly cluster: ExecCluster;
  /** What it says on its standard error, as it says it: where to log in, perhaps. */
  readonly tell: ((text: string) => void) | undefined;
}

/** Somebody may have to log in meanwhile. */
const TIMEOUT_MS = 180_000;
const MAX_BYTES = 1024 * 1024;

/** @throws AccessError */
export async function runExecPlugin(plugin: ExecPlugin, { environment, cluster, tell }: ExecOptions): Promise<ExecCredential> {
  const info = {
    apiVersion: plugin.apiVersion,
    kind: 'ExecCredential',
    spec: { interactive: false, ...(plugin.providesClusterInfo ? { cluster: clusterInfo(cluster) } : {}) },
  };
  const env = { ...environment, ...plugin.variables, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  return readExecCredential(await run(plugin, env, tell), plugin);
}

function clusterInfo({ server, ca, serverName, isInsecure }: ExecCluster): object {
  return {
    server,
    ...(ca === undefined ? {} : { 'certificate-authority-data': Buffer.from(ca).toString('base64') }),
    ...(serverName === undefined ? {} : { 'tls-server-name': serverName }),
    ...(isInsecure ? { 'insecure-skip-tls-verify': true } : {}),
  };
}

function run(
  { command, args, installHint }: ExecPlugin,
  env: Record<string, string | undefined>,
  tell: ((text: string) => void) | undefined,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(command, [...args], { env, timeout: TIMEOUT_MS, maxBuffer: MAX_BYTES }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const isMissing = error.code === 'ENOENT';
      const why = isMissing
        ? `it is not there${installHint === '' ? '' : `: ${installHint}`}`
        : stderr.trim().slice(-200) || error.message;
      reject(new AccessError(`the kubeconfig's exec plugin ${command} failed: ${why}`, { cause: error }));
    });
    if (tell !== undefined) child.stderr?.setEncoding('utf8').on('data', tell);
    // It has nobody to ask.
    child.stdin?.end();
  });
}

/** @throws AccessError */
export function readExecCredential(text: string, { command, apiVersion }: ExecPlugin): ExecCredential {
  const refuse = (what: string): never => {
    throw new AccessError(`the kubeconfig's exec plugin ${command} ${what}`);
  };
  let credential: unknown;
  try {
    credential = JSON.parse(text);
  } catch {
    return refuse('printed no JSON');
  }
  if (!isFields(credential) || credential['kind'] !== 'ExecCredential') return refuse('printed no ExecCredential');
  if (credential['apiVersion'] !== apiVersion)
    return refuse(`printed an ExecCredential of ${String(credential['apiVersion'])}, and the kubeconfig says ${apiVersion}`);
  const read = new FieldReader();
  const status = read.map(credential['status'], 'status');
  const result: ExecCredential = {
    token: read.text(status['token'], 'status.token') || undefined,
    certificate: read.text(status['clientCertificateData'], 'status.clientCertificateData') || undefined,
    key: read.text(status['clientKeyData'], 'status.clientKeyData') || undefined,
    expiresAt: read.instant(status['expirationTimestamp'], 'status.expirationTimestamp') || Number.POSITIVE_INFINITY,
  };
  if (read.failed) return refuse(`printed an ExecCredential in which ${read.describe()}`);
  if (result.token === undefined && result.certificate === undefined)
    return refuse('printed neither a token nor a certificate: log in with it first');
  return result;
}
