/** The cluster that a command talks to, with the rights of whoever runs it. */
import { readFile } from 'node:fs/promises';
import type { Access } from '../../kubernetes/access.ts';
import { HttpApiClient, isFailure, type Method, type Query } from '../../kubernetes/api-client.ts';
import { type ApiObject, callForObject } from '../../kubernetes/api-objects.ts';
import type { Failure } from '../../kubernetes/failure.ts';
import { inClusterAccess } from '../../kubernetes/in-cluster.ts';
import { kubeconfigAccess, kubeconfigNamespace } from '../../kubernetes/kubeconfig.ts';
import type { AccessSetting } from '../../kubernetes-setting.ts';
import { FieldReader } from '../../model/field-reader.ts';

const POD_NAMESPACE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

export interface Asked {
  /** For messages: what the right is on. */
  readonly resource: string;
  readonly query?: Query;
  readonly body?: unknown;
  readonly contentType?: string;
}

export class Cluster implements Disposable {
  readonly access: Access;
  readonly #setting: AccessSetting;
  readonly #namespace: string | undefined;
  readonly #client: HttpApiClient;

  /**
   * @param namespace undefined: that of the context
   * @param tell for whoever runs it: what a login says
   */
  constructor(setting: AccessSetting, namespace: string | undefined, tell: (text: string) => void) {
    this.#setting = setting;
    this.#namespace = namespace;
    this.access =
      setting.kind === 'in-cluster'
        ? inClusterAccess(setting.host, setting.port)
        : kubeconfigAccess({ ...setting, now: Date.now, tell });
    this.#client = new HttpApiClient(this.access, 'detour');
  }

  /** The one that the command is about. @throws AccessError */
  async namespace(): Promise<string> {
    if (this.#namespace !== undefined) return this.#namespace;
    if (this.#setting.kind === 'kubeconfig') return (await kubeconfigNamespace({ ...this.#setting, now: Date.now })) ?? 'default';
    try {
      return (await readFile(POD_NAMESPACE, 'utf8')).trim();
    } catch {
      return 'default';
    }
  }

  call(method: Method, path: string, { resource, query = {}, body, contentType }: Asked): Promise<ApiObject | Failure> {
    const signal = AbortSignal.timeout(60_000);
    const content = { ...(body === undefined ? {} : { body }), ...(contentType === undefined ? {} : { contentType }) };
    return callForObject(this.#client, { method, path, query, resource, signal, ...content });
  }

  /** All objects of a collection, page by page. */
  async list(path: string, asked: Asked): Promise<readonly ApiObject[] | Failure> {
    const items: ApiObject[] = [];
    let next = '';
    do {
      const query = { limit: 500, ...asked.query, ...(next === '' ? {} : { continue: next }) };
      const page = await this.call('GET', path, { ...asked, query });
      if (isFailure(page)) return page;
      const read = new FieldReader();
      for (const [index, item] of read.list(page['items'], 'items').entries()) items.push(read.map(item, `items[${index}]`));
      next = read.text(read.map(page['metadata'], 'metadata')['continue'], 'metadata.continue');
    } while (next !== '');
    return items;
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]();
  }
}
