/** Puts single Events into the cluster: the one that is there is told once more, never a second one beside it. */
import { isFailure } from '../kubernetes/api-client.ts';
import { type ApiObject, type ApiSender, callForObject } from '../kubernetes/api-objects.ts';
import type { Failure } from '../kubernetes/failure.ts';
import { FieldReader, isFields } from '../model/field-reader.ts';
import type { Told } from './event-ledger.ts';
import { type InvolvedObject, newEvent, REPORTER, readTold, repeatedEvent } from './event-object.ts';
import type { EventTarget, Telling } from './fact.ts';
import { pathOf, resourceOfKind, type WorkloadResource } from './workload-resources.ts';

const EVENTS: WorkloadResource = { name: 'events', apiVersion: 'v1', kind: 'Event' };
/** Somebody else writes the same Event, or it expires under our hands: so often is enough. */
const ROUNDS = 3;
const PAGE = 500;

export interface EventWriterOptions {
  readonly sender: ApiSender;
  readonly identity: string;
  /** ms since the epoch. */
  readonly now: () => number;
  /** For each request, ms. */
  readonly timeoutMs: number;
}

export interface Writing {
  readonly outcome: 'written' | 'known';
  /** Of the object; undefined where it is not known. */
  readonly uid: string | undefined;
}

export class EventWriter {
  readonly #options: EventWriterOptions;

  constructor(options: EventWriterOptions) {
    this.#options = options;
  }

  /** @returns a Failure of status 404 where the object is not there. */
  async write(telling: Telling, signal: AbortSignal): Promise<Writing | Failure> {
    const involved = await this.#find(telling.fact.target, signal);
    if (isFailure(involved)) return involved;
    const uid = involved.uid === '' ? undefined : involved.uid;
    const { toldOn, onlyAnew, phase } = telling;
    const isAnew = uid !== undefined && toldOn !== undefined && uid !== toldOn;
    // What was said of the object before this one is over, and no news to it.
    if (isAnew ? phase === 'ended' : onlyAnew === true) return { outcome: 'known', uid };
    const event = await this.writeOn(involved, telling, signal);
    return isFailure(event) ? event : { outcome: 'written', uid };
  }

  /** On an object that is known to be there. */
  async writeOn(involved: InvolvedObject, telling: Telling, signal: AbortSignal): Promise<ApiObject | Failure> {
    const { identity, now } = this.#options;
    const event = newEvent(involved, telling, identity, now());
    const name = new FieldReader().text(new FieldReader().map(event['metadata'], '')['name'], '');
    let result = await this.#call('POST', pathOf(EVENTS, involved.namespace), signal, event);
    for (let round = 1; round < ROUNDS && isFailure(result) && isOvertaken(result); round += 1) {
      const existing = await this.#call('GET', pathOf(EVENTS, involved.namespace, name), signal);
      if (!isFailure(existing))
        result = await this.#call('PUT', pathOf(EVENTS, involved.namespace, name), signal, repeatedEvent(existing, event));
      else if (existing.status === 404) result = await this.#call('POST', pathOf(EVENTS, involved.namespace), signal, event);
      else return existing;
    }
    // A namespace that is going takes no more.
    return isFailure(result) && result.status === 403 && result.reason.includes('being terminated')
      ? { ...result, status: 404 }
      : result;
  }

  /** What was told until now, by whatever replica. @param namespaces empty: all. */
  async readAll(namespaces: readonly string[], signal: AbortSignal): Promise<readonly Told[] | Failure> {
    const told: Told[] = [];
    for (const namespace of namespaces.length === 0 ? [undefined] : namespaces) {
      let token: string | undefined;
      do {
        const query = { fieldSelector: `source=${REPORTER}`, limit: PAGE, continue: token };
        const page = await this.#call('GET', pathOf(EVENTS, namespace), signal, undefined, query);
        if (isFailure(page)) return page;
        const items = Array.isArray(page['items']) ? page['items'] : [];
        for (const item of items) {
          const one = isFields(item) ? readTold(item) : undefined;
          if (one !== undefined) told.push(one);
        }
        const next = new FieldReader().map(page['metadata'], 'metadata')['continue'];
        token = typeof next === 'string' && next !== '' ? next : undefined;
      } while (token !== undefined);
    }
    return told;
  }

  /** `kubectl describe` shows an Event only with the uid of the object. */
  async #find(target: EventTarget, signal: AbortSignal): Promise<InvolvedObject | Failure> {
    const resource = resourceOfKind(target.kind);
    // Of a kind that is not known here: only `kubectl get events` shows it.
    if (resource === undefined) return { ...target, apiVersion: '', uid: '' };
    const { apiVersion, name } = resource;
    const found = await this.#call('GET', pathOf(resource, target.namespace, target.name), signal, undefined, {}, name);
    if (isFailure(found)) return found.status === 403 ? { ...target, apiVersion, uid: '' } : found;
    const uid = new FieldReader().text(new FieldReader().map(found['metadata'], 'metadata')['uid'], 'uid');
    return { ...target, apiVersion, uid };
  }

  #call(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    signal: AbortSignal,
    body?: unknown,
    query: Readonly<Record<string, string | number | undefined>> = {},
    resource = EVENTS.name,
  ): Promise<ApiObject | Failure> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(this.#options.timeoutMs)]);
    return callForObject(this.#options.sender, { method, path, query, resource, signal: limit, body });
  }
}

function isOvertaken({ status, code }: Failure): boolean {
  return status === 409 || (status === 404 && code === 'NotFound');
}
