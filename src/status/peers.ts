/** Asks the other replicas, by their pods' addresses, which of their Envoys have an intercept. */
import { formatRule } from '../annotations/header-rule.ts';
import { isFailure } from '../kubernetes/api-client.ts';
import type { ApiSender } from '../kubernetes/api-objects.ts';
import type { Failure } from '../kubernetes/failure.ts';
import { FieldReader, type Fields, isFields } from '../model/field-reader.ts';
import type { Intercept } from '../model/intercept.ts';
import { listReplicaPods } from '../replicas/replica-pods.ts';
import type { ReplicaReceipt } from './merge-receipts.ts';

export interface PeersOptions {
  readonly sender: ApiSender;
  /** Where the replicas are. */
  readonly namespace: string;
  /** The name of this one's pod. */
  readonly identity: string;
  readonly timeoutMs: number;
}

const LIST_MS = 5_000;

/** By intercept; undefined: the replica gave no answer. */
export type PeerReport = ReadonlyMap<string, ReplicaReceipt> | undefined;

export class Peers {
  readonly #options: PeersOptions;
  #listed: { readonly at: number; readonly urls: readonly string[] } | undefined;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  /** What each of the other replicas that are ready says. Empty where there are none, or they may not be listed. */
  async ask(intercepts: readonly Intercept[], signal: AbortSignal): Promise<readonly PeerReport[]> {
    const urls = await this.replicas(signal);
    // Without the right to list them each is taken for the only one.
    if (isFailure(urls)) return [];
    return Promise.all(urls.map((url) => this.#askOne(url, intercepts, signal)));
  }

  /** Where the others listen, those that are ready. */
  async replicas(signal: AbortSignal): Promise<readonly string[] | Failure> {
    const { sender, namespace, identity, timeoutMs } = this.#options;
    if (this.#listed !== undefined && performance.now() - this.#listed.at < LIST_MS) return this.#listed.urls;
    const pods = await listReplicaPods(sender, namespace, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
    if (isFailure(pods)) return pods;
    const urls = pods.flatMap(({ name, isReady, url }) => (isReady && name !== identity ? [url] : []));
    this.#listed = { at: performance.now(), urls };
    return urls;
  }

  async #askOne(url: string, intercepts: readonly Intercept[], signal: AbortSignal): Promise<PeerReport> {
    const [first] = intercepts;
    const isOneKey = first !== undefined && intercepts.every(({ key }) => key === first.key);
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#options.timeoutMs)]);
    try {
      const response = await fetch(`${url}/api/intercepts?proxies${isOneKey ? `&key=${first.key}` : ''}`, { signal: limit });
      const answer: unknown = await response.json();
      return response.ok && isFields(answer) ? readReport(answer, intercepts) : undefined;
    } catch {
      return undefined;
    }
  }
}

function readReport(answer: Fields, intercepts: readonly Intercept[]): PeerReport {
  const read = new FieldReader();
  const views = new Map<unknown, Fields>();
  for (const view of read.list(answer['intercepts'], 'intercepts')) if (isFields(view)) views.set(view['id'], view);
  return new Map(intercepts.map((intercept) => [intercept.id, receiptOf(views.get(intercept.id), intercept)]));
}

/** A replica that does not know it as we do has yet to tell its Envoys. */
function receiptOf(view: Fields | undefined, intercept: Intercept): ReplicaReceipt {
  const read = new FieldReader();
  const receipt = read.map(view?.['receipt'], 'receipt');
  const proxies = new Map<string, boolean>();
  for (const [id, has] of Object.entries(read.map(receipt['proxies'], 'proxies'))) proxies.set(id, has === true);
  const { liveSince } = receipt;
  const said = read.choice(receipt['state'], 'state', ['live', 'pending', 'noProxy', 'rejected'], 'pending');
  const isCurrent = view !== undefined && isSame(view, intercept);
  return {
    state: isCurrent || said === 'rejected' ? said : 'pending',
    liveSince: typeof liveSince === 'number' ? liveSince : undefined,
    proxies,
  };
}

function isSame(view: Fields, { rule, mode, percent, whenUnavailable }: Intercept): boolean {
  return (
    view['mode'] === mode &&
    view['percent'] === percent &&
    view['whenUnavailable'] === whenUnavailable &&
    (view['match'] ?? undefined) === (rule === undefined ? undefined : formatRule(rule)) &&
    Array.isArray(view['endpoints']) &&
    view['endpoints'].length > 0
  );
}
