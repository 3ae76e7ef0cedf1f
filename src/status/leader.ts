/** Holds the Lease that says which replica writes, or waits for it. Whatever becomes of it, serving goes on. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFailure } from '../kubernetes/api-client.ts';
import { type ApiSender, callForObject } from '../kubernetes/api-objects.ts';
import type { Failure } from '../kubernetes/failure.ts';
import { type Claim, type LeaseRecord, leaseOf, mayClaim, type Observed, observe, readLease } from './lease-record.ts';

export interface LeaseTimes {
  /** After so long without a renewal others may take it, ms. */
  readonly durationMs: number;
  /** After so long without a renewal it writes no more: before anybody else may. */
  readonly renewWithinMs: number;
  /** Between two attempts, to renew or to take. */
  readonly retryMs: number;
  /** Without the right to it. */
  readonly deniedMs: number;
}

/** Those of Kubernetes' own controllers. */
export const LEASE_TIMES: LeaseTimes = { durationMs: 15_000, renewWithinMs: 10_000, retryMs: 2_000, deniedMs: 15_000 };

export const LEASE_NAME = 'detour';
const RELEASE_MS = 1_000;
/** Replicas that start together do not ask together. */
const JITTER = 0.2;

export interface LeaderOptions {
  readonly sender: ApiSender;
  readonly namespace: string;
  readonly identity: string;
  readonly times: LeaseTimes;
  /** ms since the epoch, for what is written. */
  readonly now: () => number;
  /** ms on a clock that nobody sets, for what is decided. */
  readonly monotonic: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  /** A term begins. The signal ends with it: nothing may be written then. */
  readonly onTerm: (term: AbortSignal) => void;
  /** Why the Lease cannot be had; undefined: it can, by whoever is first. */
  readonly onTrouble: (failure: Failure | undefined) => void;
}

interface Term {
  readonly controller: AbortController;
  /** Ends it, if nothing renews it. */
  timer: NodeJS.Timeout;
}

export class Leader implements AsyncDisposable {
  readonly #options: LeaderOptions;
  readonly #ended = new AbortController();
  #observed: Observed | undefined;
  #term: Term | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(options: LeaderOptions) {
    this.#options = options;
  }

  get isLeading(): boolean {
    return this.#term !== undefined;
  }

  /** Who holds the Lease, as far as is known; '' for nobody. */
  get holder(): string {
    return this.#observed?.record.holder ?? '';
  }

  start(): void {
    this.#running = this.#run(this.#ended.signal);
  }

  /** Ends the term at once, and gives the Lease up for the next one; waits a second for that, at most. */
  async [Symbol.asyncDispose](): Promise<void> {
    const wasLeading = this.isLeading;
    this.#endTerm();
    this.#ended.abort();
    await this.#running;
    if (wasLeading) await this.#release(AbortSignal.timeout(RELEASE_MS));
  }

  async #release(limit: AbortSignal): Promise<void> {
    // A renewal that was cut off may have reached the server: what is there has to be read.
    if ((await this.#read(limit)) !== undefined) return;
    const record = this.#observed?.record;
    if (record?.holder === this.#options.identity) await this.#write('', record, limit);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { times, random, onTrouble } = this.#options;
    while (!signal.aborted) {
      const failure = await this.#attempt(signal);
      if (signal.aborted) return;
      onTrouble(failure);
      const isDenied = failure?.status === 403 && !this.isLeading;
      const pause = isDenied ? times.deniedMs : Math.max(times.retryMs, failure?.retryAfterMs ?? 0);
      await sleep(pause * (1 + JITTER * random()), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Renews it, or takes it if nobody has it. */
  async #attempt(signal: AbortSignal): Promise<Failure | undefined> {
    const { times, monotonic, identity } = this.#options;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(times.renewWithinMs)]);
    // Who leads knows what it wrote last: that saves reading it.
    if (!this.isLeading) {
      const seen = await this.#read(limit);
      if (seen !== undefined) return seen;
    }
    const observed = this.#observed;
    const startedAt = monotonic();
    if (observed !== undefined && !mayClaim(observed, identity, startedAt)) return undefined;
    const written = await this.#write(identity, observed?.record, limit);
    if (!isFailure(written)) {
      this.#observed = { record: written, at: startedAt };
      // From before it was asked for: the server may have taken it at any time since.
      this.#renewed(startedAt);
      return undefined;
    }
    if (written.status !== 409 && written.status !== 404) return written;
    // Somebody else wrote it, or deleted it.
    const seen = await this.#read(limit);
    if (this.#observed?.record.holder !== identity) this.#endTerm();
    return seen;
  }

  async #read(signal: AbortSignal): Promise<Failure | undefined> {
    const { sender, monotonic } = this.#options;
    const lease = await callForObject(sender, { method: 'GET', path: this.#path(), query: {}, resource: 'leases', signal });
    if (!isFailure(lease)) this.#observed = observe(this.#observed, readLease(lease), monotonic());
    else if (lease.status === 404) this.#observed = undefined;
    else return lease;
    return undefined;
  }

  async #write(holder: string, before: LeaseRecord | undefined, signal: AbortSignal): Promise<LeaseRecord | Failure> {
    const { sender, namespace, times, now } = this.#options;
    const claim: Claim = { namespace, name: LEASE_NAME, holder, durationMs: times.durationMs, now: now() };
    const isNew = before === undefined;
    const written = await callForObject(sender, {
      method: isNew ? 'POST' : 'PUT',
      path: isNew ? this.#path().slice(0, -LEASE_NAME.length - 1) : this.#path(),
      query: {},
      resource: 'leases',
      body: leaseOf(claim, before),
      signal,
    });
    return isFailure(written) ? written : readLease(written);
  }

  #path(): string {
    return `/apis/coordination.k8s.io/v1/namespaces/${this.#options.namespace}/leases/${LEASE_NAME}`;
  }

  #renewed(startedAt: number): void {
    const { times, monotonic, onTerm } = this.#options;
    const left = startedAt + times.renewWithinMs - monotonic();
    clearTimeout(this.#term?.timer);
    if (left <= 0 || this.#ended.signal.aborted) return this.#endTerm();
    const timer = setTimeout(() => this.#endTerm(), left);
    if (this.#term !== undefined) {
      this.#term.timer = timer;
      return;
    }
    const controller = new AbortController();
    this.#term = { controller, timer };
    onTerm(controller.signal);
  }

  #endTerm(): void {
    clearTimeout(this.#term?.timer);
    this.#term?.controller.abort();
    this.#term = undefined;
  }
}
