/** Outside of a cluster: by kubeconfig, read anew whenever somebody asks, so that a login in another window counts at once. */
import { readFile } from 'node:fs/promises';
import type { Agent } from 'node:http';
import { sameData } from '../model/same-data.ts';
import { type Access, AccessError, type Connection } from './access.ts';
import { type ExecCredential, runExecPlugin } from './exec-credential.ts';
import { type KubeContext, type KubeconfigFile, type Material, readKubeconfig } from './kubeconfig-file.ts';
import { keepLogin } from './login-file.ts';
import { OidcTokens } from './oidc-tokens.ts';
import { proxyAgent } from './proxy-agent.ts';

export interface KubeconfigOptions {
  /** Those that are not there are left out, unless none is. */
  readonly files: readonly string[];
  /** undefined: the current one. */
  readonly context: string | undefined;
  /** For exec plugins. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** ms since the epoch. */
  readonly now: () => number;
  /** For whoever runs it: what an exec plugin says while it runs, and a login that could not be kept. */
  readonly tell?: ((text: string) => void) | undefined;
}

/** A credential is taken for expired a little before it is. */
const EARLY_MS = 10_000;

export function kubeconfigAccess(options: KubeconfigOptions): Access {
  /** The plugin's answer, also while it runs: requests of one moment share it. */
  let remembered: { readonly by: string; readonly credential: Promise<ExecCredential> } | undefined;

  const oidcTokens = new OidcTokens({
    isGood: ({ expiresAt }) => options.now() < expiresAt - EARLY_MS,
    read: async () => (await currentContext()).oidc,
    keep: async (userName, before, after) => {
      try {
        await keepLogin(options.files, userName, { before, after });
      } catch (error) {
        options.tell?.(
          `the renewed login of user ${userName} cannot be written to its kubeconfig (${messageOf(error)}): you may have to log in again\n`,
        );
      }
    },
  });

  async function oidcToken({ oidc, userName }: KubeContext): Promise<string | undefined> {
    return oidc && (await oidcTokens.token({ oidc, userName }));
  }

  /** Its connections are kept as long as nothing in how they are made changes. */
  let proxied: { readonly by: string; readonly agent: Promise<Agent> } | undefined;

  function agentFor(proxyUrl: string, { token: _, ...connection }: Connection): Promise<Agent> {
    const by = JSON.stringify([proxyUrl, connection]);
    if (proxied?.by !== by) proxied = { by, agent: proxyAgent(proxyUrl, { ...connection, token: undefined }) };
    return proxied.agent;
  }

  async function credentialOf(context: KubeContext, ca: string | undefined): Promise<ExecCredential | undefined> {
    const { exec, server, serverName, isInsecure } = context;
    if (exec === undefined) return undefined;
    const by = JSON.stringify([exec, server]);
    while (remembered?.by === by) {
      const last = remembered;
      const credential = await last.credential;
      if (options.now() < credential.expiresAt - EARLY_MS) return credential;
      // Of those who see that it has expired, one runs the plugin again.
      if (remembered === last) remembered = undefined;
    }
    const cluster = { server: server.href.replace(/\/$/, ''), ca, serverName, isInsecure };
    const credential = runExecPlugin(exec, { environment: options.environment, cluster, tell: options.tell });
    const own = { by, credential };
    remembered = own;
    credential.catch(() => {
      if (remembered === own) remembered = undefined;
    });
    return credential;
  }

  /** Files that say what they said are not parsed again: a list makes a request for every page. */
  let understood: { readonly files: readonly KubeconfigFile[]; readonly context: KubeContext } | undefined;

  async function currentContext(): Promise<KubeContext> {
    const files = await readFiles(options.files);
    if (understood === undefined || !sameData(understood.files, files))
      understood = { files, context: readKubeconfig(files, options.context) };
    return understood.context;
  }

  return {
    name: `kubeconfig ${options.files.join(', ')}`,
    async connect(): Promise<Connection> {
      const context = await currentContext();
      const ca = await textOf(context.ca);
      const fromPlugin = await credentialOf(context, ca);
      const connection = {
        server: context.server,
        ca,
        serverName: context.serverName,
        isInsecure: context.isInsecure,
        impersonated: context.impersonated,
        token: (await textOf(context.token))?.trim() ?? fromPlugin?.token ?? (await oidcToken(context)),
        certificate: (await textOf(context.certificate)) ?? fromPlugin?.certificate,
        key: (await textOf(context.key)) ?? fromPlugin?.key,
      };
      return context.proxyUrl === undefined ? connection : { ...connection, agent: await agentFor(context.proxyUrl, connection) };
    },
    forget() {
      remembered = undefined;
    },
  };
}

/** @returns that of the context; undefined where it names none. @throws AccessError */
export async function kubeconfigNamespace({ files, context }: KubeconfigOptions): Promise<string | undefined> {
  return readKubeconfig(await readFiles(files), context).namespace;
}

async function readFiles(paths: readonly string[]): Promise<readonly KubeconfigFile[]> {
  const files: KubeconfigFile[] = [];
  for (const path of paths) {
    try {
      files.push({ path, text: await readFile(path, 'utf8') });
    } catch (error) {
      const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
      if (!isMissing) throw new AccessError(`kubeconfig ${path} cannot be read: ${messageOf(error)}`, { cause: error });
    }
  }
  if (files.length > 0) return files;
  throw new AccessError(`there is no kubeconfig ${paths.join(' or ')}: give --kubeconfig`);
}

async function textOf(material: Material | undefined): Promise<string | undefined> {
  if (material === undefined) return undefined;
  if ('text' in material) return material.text;
  try {
    return await readFile(material.file, 'utf8');
  } catch (error) {
    throw new AccessError(`${material.file}, which the kubeconfig names, cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
