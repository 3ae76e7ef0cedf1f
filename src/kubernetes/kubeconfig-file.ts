/** The text of kubeconfig files → the one context that is meant. Relative paths are those of the file's folder. */
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';
import { FieldReader, type Fields } from '../model/field-reader.ts';
import { AccessError } from './access.ts';
import { type Impersonation, readImpersonation } from './impersonation.ts';
import type { OidcLogin } from './oidc-login.ts';

export interface KubeconfigFile {
  readonly path: string;
  readonly text: string;
}

/** Text that is written in place, or a file that has it; read anew each time. */
export type Material = { readonly text: string } | { readonly file: string };

export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly variables: Readonly<Record<string, string>>;
  readonly installHint: string;
  readonly providesClusterInfo: boolean;
}

/** A cluster and a user. */
export interface KubeContext {
  readonly server: URL;
  readonly ca: Material | undefined;
  readonly serverName: string | undefined;
  readonly isInsecure: boolean;
  readonly proxyUrl: string | undefined;
  readonly token: Material | undefined;
  readonly certificate: Material | undefined;
  readonly key: Material | undefined;
  readonly exec: ExecPlugin | undefined;
  readonly oidc: OidcLogin | undefined;
  readonly impersonated: Impersonation | undefined;
  /** What commands take where none is named. */
  readonly namespace: string | undefined;
  /** For messages. */
  readonly userName: string;
}

export const EXEC_API_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'] as const;

interface Named {
  readonly fields: Fields;
  readonly folder: string;
}

/**
 * Of several files the first that says something counts, as for kubectl.
 * @param context undefined: the current one of the files
 * @throws AccessError
 */
export function readKubeconfig(files: readonly KubeconfigFile[], context: string | undefined): KubeContext {
  const parsed = files.map(({ path, text }) => ({ folder: dirname(path), fields: parse(path, text) }));
  const where = files.map(({ path }) => path).join(', ');
  const read = new FieldReader();
  const current = parsed.map(({ fields }) => read.text(fields['current-context'], 'current-context')).find((name) => name !== '');
  const name = context ?? current;
  if (name === undefined) throw new AccessError(`kubeconfig ${where} has no current-context: give --context, or set one in it`);
  const { fields: chosen } = find(parsed, 'context', name, where, read);
  const cluster = find(parsed, 'cluster', read.text(chosen['cluster'], `context ${name}: cluster`), where, read);
  const userName = read.text(chosen['user'], `context ${name}: user`);
  const user = userName === '' ? { fields: {}, folder: '.' } : find(parsed, 'user', userName, where, read);
  refuseWhatIsNotRead(user.fields, userName, where);
  const result: KubeContext = {
    server: readServer(read.text(cluster.fields['server'], 'server'), where),
    ca: material(cluster, 'certificate-authority', read),
    serverName: read.text(cluster.fields['tls-server-name'], 'tls-server-name') || undefined,
    proxyUrl: read.text(cluster.fields['proxy-url'], 'proxy-url') || undefined,
    isInsecure: read.flag(cluster.fields['insecure-skip-tls-verify'], 'insecure-skip-tls-verify', false),
    token: readToken(user, read),
    certificate: material(user, 'client-certificate', read),
    key: material(user, 'client-key', read),
    exec: readExec(user, userName, where, read),
    oidc: readOidc(user, read),
    impersonated: readImpersonation(user.fields, read),
    namespace: read.text(chosen['namespace'], `context ${name}: namespace`) || undefined,
    userName,
  };
  if (read.failed) throw new AccessError(`kubeconfig ${where}: ${read.describe()}`);
  return result;
}

function parse(path: string, text: string): Fields {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new AccessError(`kubeconfig ${path} cannot be read: ${error.message.split('\n')[0] ?? ''}`);
  const read = new FieldReader();
  const fields = read.map(document.toJS({ maxAliasCount: 100 }), 'it');
  if (read.failed) throw new AccessError(`kubeconfig ${path}: ${read.describe()}`);
  return fields;
}

/** @param kind `context`: one of the list `contexts`, which has it as its field `context`. */
function find(files: readonly Named[], kind: string, name: string, where: string, read: FieldReader): Named {
  const names: string[] = [];
  for (const { fields, folder } of files) {
    for (const [index, entry] of read.list(fields[`${kind}s`], `${kind}s`).entries()) {
      const named = read.map(entry, `${kind}s[${index}]`);
      const own = read.text(named['name'], `${kind}s[${index}].name`);
      if (own === name) return { fields: read.map(named[kind], `${kind} ${name}`), folder };
      names.push(own);
    }
  }
  const there = names.length === 0 ? 'there is none' : `there is: ${names.slice(0, 10).join(', ')}`;
  throw new AccessError(`kubeconfig ${where} has no ${kind} ${JSON.stringify(name)}; ${there}`);
}

function refuseWhatIsNotRead(user: Fields, userName: string, where: string): void {
  const refuse = (what: string, fix: string) => {
    throw new AccessError(`kubeconfig ${where}: ${what}: ${fix}`);
  };
  const provider = new FieldReader().map(user['auth-provider'], '')['name'];
  if (user['auth-provider'] !== undefined && provider !== 'oidc')
    refuse(
      `user ${userName} logs in by the auth-provider ${JSON.stringify(provider ?? '')}, which Kubernetes no longer has`,
      'use an exec plugin instead, such as gke-gcloud-auth-plugin, kubelogin or kubectl oidc-login',
    );
  if (user['username'] !== undefined)
    refuse(`user ${userName} has a username and password`, 'use a token, a client certificate or an exec plugin instead');
}

function readServer(text: string, where: string): URL {
  const server = URL.canParse(text) ? new URL(text) : undefined;
  if (server?.protocol === 'https:' || server?.protocol === 'http:') return server;
  throw new AccessError(`kubeconfig ${where}: server ${JSON.stringify(text)} is no URL: write one such as https://10.0.0.1:6443`);
}

/** `<name>-data` in base64, or else the file that `<name>` names. */
function material({ fields, folder }: Named, name: string, read: FieldReader): Material | undefined {
  const data = read.text(fields[`${name}-data`], `${name}-data`);
  if (data !== '') return { text: Buffer.from(data, 'base64').toString('utf8') };
  const file = read.text(fields[name], name);
  return file === '' ? undefined : { file: resolve(folder, file) };
}

function readToken({ fields, folder }: Named, read: FieldReader): Material | undefined {
  const file = read.text(fields['tokenFile'], 'tokenFile');
  if (file !== '') return { file: resolve(folder, file) };
  const text = read.text(fields['token'], 'token');
  return text === '' ? undefined : { text };
}

/** Certificates of the identity provider are files too. */
function readOidc({ fields, folder }: Named, read: FieldReader): OidcLogin | undefined {
  const provider = read.map(fields['auth-provider'], 'auth-provider');
  if (provider['name'] !== 'oidc') return undefined;
  const entries = Object.entries(read.map(provider['config'], 'auth-provider.config')).map(([name, value]) => {
    const text = read.text(value, `auth-provider.config.${name}`);
    return [name, name === 'idp-certificate-authority' && text !== '' ? resolve(folder, text) : text] as const;
  });
  return Object.fromEntries(entries);
}

function readExec({ fields, folder }: Named, userName: string, where: string, read: FieldReader): ExecPlugin | undefined {
  if (fields['exec'] === undefined || fields['exec'] === null) return undefined;
  const exec = read.map(fields['exec'], 'exec');
  const command = read.text(exec['command'], 'exec.command');
  if (command === '') read.mistake('exec.command', 'is missing');
  if (exec['interactiveMode'] === 'Always')
    throw new AccessError(
      `kubeconfig ${where}: user ${userName} logs in by ${command}, which has to ask (interactiveMode: Always): use a user that can log in alone`,
    );
  return {
    apiVersion: read.choice(exec['apiVersion'], 'exec.apiVersion', EXEC_API_VERSIONS, EXEC_API_VERSIONS[0]),
    // As kubectl: a name is looked for in PATH, a path is the kubeconfig's.
    command: command.includes('/') ? resolve(folder, command) : command,
    args: read.list(exec['args'], 'exec.args').map((arg, index) => read.text(arg, `exec.args[${index}]`)),
    variables: Object.fromEntries(
      read.list(exec['env'], 'exec.env').map((entry, index) => {
        const pair = read.map(entry, `exec.env[${index}]`);
        return [read.text(pair['name'], `exec.env[${index}].name`), read.text(pair['value'], `exec.env[${index}].value`)];
      }),
    ),
    installHint: read.text(exec['installHint'], 'exec.installHint'),
    providesClusterInfo: read.flag(exec['provideClusterInfo'], 'exec.provideClusterInfo', false),
  };
}
