/** The way of a test to an API server that runs already, as any of its users. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiClient, type KubernetesObject } from './api-client.ts';
import { ADMIN } from './credentials.ts';
import type { Watch, WatchEvent } from './watch.ts';

/** What it takes, as plain data: it can be handed to another process. */
export interface ApiAddress {
  readonly url: string;
  /** The certificate that clients trust, in PEM; the same over all starts. */
  readonly caFile: string;
  /** By the names of users. */
  readonly tokens: Readonly<Record<string, string>>;
  /** Of the server's files; kubeconfigs come there. */
  readonly folder: string;
}

export interface TokenOptions {
  /** How long it is good for, 600 at the least. */
  readonly seconds?: number;
  /** The API server's own unless told. */
  readonly audience?: string;
  /** The pod that it is bound to; to none unless told. */
  readonly pod?: string;
}

export class ApiAccess {
  readonly url: string;
  readonly caFile: string;
  /** Of the server's files, and of what else ends with it. */
  readonly folder: string;
  readonly #tokens: Readonly<Record<string, string>>;
  readonly #clients = new Map<string, ApiClient>();

  constructor({ url, caFile, tokens, folder }: ApiAddress) {
    this.url = url;
    this.caFile = caFile;
    this.#tokens = tokens;
    this.folder = folder;
  }

  /** @throws Error for a name that is neither `admin` nor among the users of the start. */
  token(user = ADMIN.name): string {
    const token = this.#tokens[user];
    if (token === undefined) throw new Error(`no user ${user}; there are ${Object.keys(this.#tokens).join(', ')}`);
    return token;
  }

  /** Makes the ServiceAccount if it is not there. */
  async serviceAccountToken(namespace: string, name: string, options: TokenOptions = {}): Promise<string> {
    const { seconds = 3600, audience, pod } = options;
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } };
    await this.apply([account]);
    const path = `${await this.#admin.pathOf(account)}/token`;
    const spec = {
      expirationSeconds: seconds,
      ...(audience === undefined ? {} : { audiences: [audience] }),
      ...(pod === undefined ? {} : { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: pod } }),
    };
    const asked = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec };
    const { status } = await this.request<{ status: { token: string } }>('POST', path, asked);
    return status.token;
  }

  /**
   * A kubeconfig for a user's name; its text is JSON, which is YAML.
   * @param token of a ServiceAccount, say: then the name is only a name
   */
  kubeconfig(user = ADMIN.name, token = this.token(user)): string {
    return JSON.stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster: { server: this.url, 'certificate-authority': this.caFile } }],
      users: [{ name: user, user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user } }],
      'current-context': 'test',
    });
  }

  /** The path of a file with that kubeconfig, for programs. */
  async kubeconfigFile(user = ADMIN.name, token = this.token(user)): Promise<string> {
    const file = join(this.folder, `${user}.kubeconfig`);
    // Whole at any moment: a program may be reading that of another test.
    const draft = `${file}.${randomBytes(4).toString('hex')}`;
    await writeFile(draft, this.kubeconfig(user, token), { mode: 0o600 });
    await rename(draft, file);
    return file;
  }

  /** A client that shows this token: of a user, of a ServiceAccount, or none that is known. */
  async clientWith(token: string): Promise<ApiClient> {
    return this.#client(token);
  }

  /** The following are `admin`'s; see ApiClient. */
  request<T = KubernetesObject>(method: string, path: string, body?: object): Promise<T> {
    return this.#admin.request<T>(method, path, body);
  }

  apply(objects: readonly KubernetesObject[]): Promise<KubernetesObject[]> {
    return this.#admin.apply(objects);
  }

  delete(objects: readonly KubernetesObject[]): Promise<void> {
    return this.#admin.delete(objects);
  }

  watch(path: string, resourceVersion?: string, told?: (event: WatchEvent) => void): Promise<Watch> {
    return this.#admin.watch(path, resourceVersion, told);
  }

  /** Ends the connections of all clients. */
  protected closeClients(): void {
    for (const client of this.#clients.values()) client.close();
  }

  get #admin(): ApiClient {
    return this.#client(this.token());
  }

  #client(token: string): ApiClient {
    const known = this.#clients.get(token);
    if (known !== undefined) return known;
    const client = new ApiClient(this.url, readFileSync(this.caFile, 'utf8'), token);
    this.#clients.set(token, client);
    return client;
  }
}
