/** Deletes what `detour create --ttl` made when it has expired. Works for one term of the leader. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFailure } from '../kubernetes/api-client.ts';
import { type ApiObject, type ApiSender, callForObject } from '../kubernetes/api-objects.ts';
import { type Failure, orGone } from '../kubernetes/failure.ts';
import { FieldReader, isFields } from '../model/field-reader.ts';
import { pauseAfter } from './back-off.ts';
import type { EventWriter } from './event-writer.ts';
import { CREATED_SELECTOR, deleteOptions, deletionTelling, type Mortal, readMortal } from './expired-workload.ts';
import { DELETED_RESOURCES, pathOf, type WorkloadResource } from './workload-resources.ts';

export interface ReaperOptions {
  readonly sender: ApiSender;
  /** undefined: Events are off. */
  readonly events: EventWriter | undefined;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** ms since the epoch: the control plane's clock decides, as it does for the intercepts. */
  readonly now: () => number;
  readonly random: () => number;
  readonly timeoutMs: number;
  /** Between two looks at all of them, ms. */
  readonly everyMs: number;
  readonly onDeleted: (deleted: Mortal) => void;
  /** Why it cannot look or delete; undefined: it can. */
  readonly onTrouble: (failure: Failure | undefined) => void;
}

/** Expiries that are close together make one look. */
const SHORTEST_NAP_MS = 1_000;
const BACK_OFF = { first: 1_000, longest: 60_000 };
/** A workload whose status is written between the look and the deletion is looked at again, so often. */
const ROUNDS = 3;
const PAGE = 200;

export class Reaper {
  readonly #options: ReaperOptions;
  #nextExpiry = Number.POSITIVE_INFINITY;
  #wake = new AbortController();

  constructor(options: ReaperOptions) {
    this.#options = options;
  }

  /** An intercept expires then: what made it may be ours. Later ones are found in time. */
  expects(expiresAt: number): void {
    if (expiresAt >= this.#nextExpiry || expiresAt <= this.#options.now()) return;
    this.#nextExpiry = expiresAt;
    this.#wake.abort();
  }

  /** Until the term ends. */
  async run(term: AbortSignal): Promise<void> {
    const { now, random, everyMs, onTrouble } = this.#options;
    let failures = 0;
    while (!term.aborted) {
      this.#nextExpiry = Number.POSITIVE_INFINITY;
      const failure = await this.#sweep(term);
      if (term.aborted) return;
      onTrouble(failure);
      failures = failure === undefined ? 0 : failures + 1;
      const pause =
        failure === undefined
          ? everyMs
          : pauseAfter(failures, BACK_OFF, { retryAfterMs: failure.retryAfterMs, random: random() });
      await nap(Math.min(pause, SHORTEST_NAP_MS), [term]);
      const end = now() + pause;
      while (!term.aborted && now() < Math.min(end, this.#nextExpiry)) {
        this.#wake = new AbortController();
        await nap(Math.min(end, this.#nextExpiry) - now(), [term, this.#wake.signal]);
      }
    }
  }

  async #sweep(term: AbortSignal): Promise<Failure | undefined> {
    let failure: Failure | undefined;
    const { namespaces } = this.#options;
    for (const resource of DELETED_RESOURCES) {
      for (const namespace of namespaces.length === 0 ? [undefined] : namespaces) {
        if (term.aborted) return failure;
        failure = (await this.#look(resource, namespace, term)) ?? failure;
      }
    }
    return failure;
  }

  async #look(resource: WorkloadResource, namespace: string | undefined, term: AbortSignal): Promise<Failure | undefined> {
    let failure: Failure | undefined;
    let token: string | undefined;
    do {
      const query = { labelSelector: CREATED_SELECTOR, limit: PAGE, continue: token };
      const page = await this.#call('GET', resource, pathOf(resource, namespace), term, undefined, query);
      if (isFailure(page)) return orGone(page, namespace);
      for (const item of Array.isArray(page['items']) ? page['items'] : []) {
        const mortal = isFields(item) ? readMortal(item, resource) : undefined;
        if (mortal === undefined) continue;
        if (mortal.expiresAt <= this.#options.now()) failure = (await this.#reap(mortal, resource, term)) ?? failure;
        else this.#nextExpiry = Math.min(this.#nextExpiry, mortal.expiresAt);
      }
      const next = new FieldReader().map(page['metadata'], 'metadata')['continue'];
      token = typeof next === 'string' && next !== '' ? next : undefined;
    } while (token !== undefined && !term.aborted);
    return failure;
  }

  /** Looks at it once more: its author may have given it more time, or made another one of that name. */
  async #reap({ involved }: Mortal, resource: WorkloadResource, term: AbortSignal): Promise<Failure | undefined> {
    const { now, events, onDeleted } = this.#options;
    const path = pathOf(resource, involved.namespace, involved.name);
    let isTold = false;
    for (let round = 0; round < ROUNDS; round += 1) {
      const object = await this.#call('GET', resource, path, term);
      if (isFailure(object)) return object.status === 404 ? undefined : object;
      const mortal = readMortal(object, resource);
      if (mortal === undefined || mortal.involved.uid !== involved.uid || mortal.expiresAt > now() || term.aborted)
        return undefined;
      // That it cannot be told keeps nothing alive.
      if (!isTold) await events?.writeOn(mortal.involved, deletionTelling(mortal), term);
      isTold = true;
      if (term.aborted) return undefined;
      const answer = await this.#call('DELETE', resource, path, term, deleteOptions(mortal));
      if (!isFailure(answer)) {
        onDeleted(mortal);
        return undefined;
      }
      if (answer.status === 404) return undefined;
      if (answer.status !== 409) return answer;
    }
    return undefined;
  }

  #call(
    method: 'GET' | 'DELETE',
    { name: resource }: WorkloadResource,
    path: string,
    term: AbortSignal,
    body?: unknown,
    query: Readonly<Record<string, string | number | undefined>> = {},
  ): Promise<ApiObject | Failure> {
    const signal = AbortSignal.any([term, AbortSignal.timeout(this.#options.timeoutMs)]);
    return callForObject(this.#options.sender, { method, path, query, resource, signal, body });
  }
}

/** Timers hold no more than 24 days, and know nothing of a clock that is set. */
const LONGEST_NAP_MS = 60_000;

async function nap(ms: number, signals: readonly AbortSignal[]): Promise<void> {
  const signal = AbortSignal.any([...signals]);
  await sleep(Math.min(Math.max(0, ms), LONGEST_NAP_MS), undefined, { signal }).catch(() => undefined);
}
