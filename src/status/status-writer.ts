/**
 * The one door of this room: writes Events, and deletes what has expired, while this replica leads. Everything is done in
 * the background, and nothing that serves Envoys waits for it.
 */
import type { Access } from '../kubernetes/access.ts';
import { HttpApiClient } from '../kubernetes/api-client.ts';
import type { Failure } from '../kubernetes/failure.ts';
import type { Logger } from '../logger.ts';
import type { ClusterChange } from '../model/cluster-state.ts';
import type { InterceptModel, ModelChange } from '../model/intercept.ts';
import type { InterceptId } from '../model/names.ts';
import type { Problem } from '../model/problem.ts';
import { LEDGER_LIMITS, type LedgerLimits, type Outcome } from './event-ledger.ts';
import { EventReporter } from './event-reporter.ts';
import { EventWriter } from './event-writer.ts';
import type { Fact } from './fact.ts';
import { LEASE_NAME, LEASE_TIMES, Leader, type LeaseTimes } from './leader.ts';
import type { ReplicaReceipt } from './merge-receipts.ts';
import { Peers } from './peers.ts';
import { PodOwners } from './pod-owners.ts';
import { problemFacts } from './problem-facts.ts';
import { Reaper } from './reaper.ts';
import { askReceipts, type ReceiptAskerOptions } from './receipt-asker.ts';
import { ReceiptBook } from './receipt-book.ts';

export interface StatusTimes {
  readonly lease: LeaseTimes;
  readonly ledger: LedgerLimits;
  /** For each request that writes, ms. */
  readonly timeoutMs: number;
  /** Between two looks at what is so, ms. */
  readonly everyMs: number;
  /** Between two looks for what has expired, ms. */
  readonly sweepMs: number;
}

export const STATUS_TIMES: StatusTimes = {
  lease: LEASE_TIMES,
  ledger: LEDGER_LIMITS,
  timeoutMs: 10_000,
  everyMs: 500,
  sweepMs: 60_000,
};

/** What there is to tell. */
export interface StatusView {
  /** Everything was read once; before that, nothing can be said to be over. */
  readonly synced: boolean;
  problems(): Iterable<Problem>;
  /** Of this replica's own Envoys. */
  receipt(intercept: InterceptId): ReplicaReceipt;
}

export type StatusCount =
  | { readonly kind: 'written' | 'failed' | 'deleted' }
  | { readonly kind: 'dropped'; readonly count: number };

export interface StatusWriterOptions {
  readonly access: Access;
  readonly view: StatusView;
  readonly events: boolean;
  readonly deleteExpired: boolean;
  readonly leaseNamespace: string;
  readonly identity: string;
  /** Whose objects are looked at; empty: all. */
  readonly namespaces: readonly string[];
  readonly times?: Partial<StatusTimes>;
  /** ms since the epoch. */
  readonly now: () => number;
  readonly log: Logger;
  readonly onCount: (count: StatusCount) => void;
  /** While this replica leads, and of what. undefined: nobody else writes. */
  readonly audit?:
    | { readonly begin: (term: AbortSignal) => void; readonly onReceipt: ReceiptAskerOptions['onReceipt'] }
    | undefined;
}

/** What can go wrong, each on its own. */
type Duty = 'lease' | 'events' | 'deletion';

const DUTIES: Readonly<Record<Duty, { readonly what: string; readonly consequence: string }>> = {
  lease: {
    what: `cannot hold the Lease ${LEASE_NAME}`,
    consequence:
      'This replica writes no Events and no audit log of intercepts, and deletes nothing that has expired. Serving goes on, and it is tried again.',
  },
  events: {
    what: 'cannot write Events',
    consequence: 'Problems are told by /api/problems and the commands only. Serving goes on, and it is tried again.',
  },
  deletion: {
    what: 'cannot delete what has expired',
    consequence: 'Intercepts that have expired are not served all the same; their workloads stay. It is tried again.',
  },
};

const TURN_MS = 100;
/** What Envoys refuse makes no change of the model. */
const LONGEST_UNSEEN_MS = 5_000;

export class StatusWriter implements AsyncDisposable {
  readonly #options: StatusWriterOptions;
  readonly #times: StatusTimes;
  readonly #client: HttpApiClient;
  readonly #leader: Leader;
  readonly #writer: EventWriter;
  readonly #peers: Peers;
  readonly #owners = new PodOwners();
  readonly #receipts = new ReceiptBook();
  readonly #troubles = new Map<Duty, Failure>();
  /** What was warned of, so that it is said once. */
  readonly #warned = new Set<string>();
  #problems: readonly Fact[] = [];
  /** When there was a change, and when problems were last looked at: ms of this process. */
  #touchedAt = 0;
  #lookedAt = 0;
  #reaper: Reaper | undefined;
  #work: Promise<unknown> = Promise.resolve();

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#times = { ...STATUS_TIMES, ...options.times };
    const { access, leaseNamespace, identity, now } = options;
    this.#client = new HttpApiClient(access, 'detour-status');
    this.#writer = new EventWriter({ sender: this.#client, identity, now, timeoutMs: this.#times.timeoutMs });
    this.#peers = new Peers({
      sender: this.#client,
      namespace: leaseNamespace,
      identity,
      timeoutMs: this.#times.timeoutMs,
    });
    this.#leader = new Leader({
      sender: this.#client,
      namespace: leaseNamespace,
      identity,
      times: this.#times.lease,
      now,
      monotonic: () => performance.now(),
      random: Math.random,
      onTerm: (term) => this.#begin(term),
      onTrouble: (failure) => this.#trouble('lease', failure),
    });
  }

  get isLeading(): boolean {
    return this.#leader.isLeading;
  }

  /** Nothing keeps it from its duties. */
  get isWell(): boolean {
    return this.#troubles.size === 0;
  }

  /** How it is, in one sentence part. */
  describe(): string {
    const told = [...this.#troubles].map(([duty, { reason, fix }]) =>
      [DUTIES[duty].what, reason, ...(fix === '' ? [] : [fix])].join(': '),
    );
    const { holder } = this.#leader;
    const who = this.isLeading
      ? 'this replica leads'
      : holder === '' || holder === this.#options.identity
        ? 'no replica leads'
        : `${holder} leads`;
    return [who, ...told].join('; ');
  }

  start(): void {
    this.#leader.start();
  }

  /** What the source says, before the model knows it. */
  objectsChanged(changes: readonly ClusterChange[]): void {
    this.#owners.apply(changes);
    this.#touchedAt = performance.now();
  }

  /** @param seenAt when the control plane heard of what made the change, ms since the epoch. */
  modelChanged(model: InterceptModel, change: ModelChange, seenAt: number): void {
    this.#receipts.changed(model, change.services, seenAt);
    this.#touchedAt = performance.now();
    for (const service of change.services)
      for (const { expiresAt } of model.services.get(service)?.intercepts ?? [])
        if (expiresAt !== undefined) this.#reaper?.expects(expiresAt);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#leader[Symbol.asyncDispose]();
    await this.#work;
    this.#client[Symbol.dispose]();
  }

  #begin(term: AbortSignal): void {
    const { events, deleteExpired, namespaces, now, log, identity, audit } = this.#options;
    const { timeoutMs, everyMs, sweepMs, ledger } = this.#times;
    log.info('this replica leads: it writes Events', { identity });
    const end = () => {
      log.info('this replica leads no more', { identity });
      // Those duties are another's now.
      this.#troubles.delete('events');
      this.#troubles.delete('deletion');
    };
    term.addEventListener('abort', end, { once: true });
    const common = { namespaces, now, random: Math.random };
    const before = this.#work;
    const duties: Promise<unknown>[] = [before];
    if (events) {
      const reporter = new EventReporter({
        ...common,
        writer: this.#writer,
        limits: ledger,
        everyMs,
        facts: () => this.#facts(),
        madeAt: (target) => this.#owners.madeAt(target),
        onOutcome: (outcome) => this.#count(outcome),
        onDropped: (count) => this.#options.onCount({ kind: 'dropped', count }),
        onTrouble: (failure) => this.#trouble('events', failure),
      });
      duties.push(reporter.run(term));
    }
    audit?.begin(term);
    if (events || audit !== undefined) {
      const receipt = (id: InterceptId) => this.#options.view.receipt(id);
      const asked = { book: this.#receipts, peers: this.#peers, receipt, onReceipt: audit?.onReceipt, now, everyMs };
      duties.push(askReceipts(asked, term));
    }
    if (deleteExpired) {
      this.#reaper = new Reaper({
        ...common,
        sender: this.#client,
        events: events ? this.#writer : undefined,
        timeoutMs,
        everyMs: sweepMs,
        onDeleted: ({ involved, key, expires }) => {
          this.#options.onCount({ kind: 'deleted' });
          log.info('deleted what has expired', { ...involved, key, expires });
        },
        onTrouble: (failure) => this.#trouble('deletion', failure),
      });
      duties.push(this.#reaper.run(term));
    }
    this.#work = Promise.all(duties);
  }

  #facts(): readonly Fact[] | undefined {
    const { view } = this.#options;
    if (!view.synced) return undefined;
    const now = performance.now();
    // The model takes a change in a turn after it is heard of.
    const mayDiffer = this.#lookedAt <= this.#touchedAt + TURN_MS || now - this.#lookedAt > LONGEST_UNSEEN_MS;
    if (mayDiffer) {
      this.#problems = problemFacts(view.problems(), (pod) => this.#owners.ownerOf(pod));
      this.#lookedAt = now;
    }
    return [...this.#problems, ...this.#receipts.facts()];
  }

  #count(outcome: Outcome): void {
    if (outcome === 'written') this.#options.onCount({ kind: 'written' });
    else if (outcome !== 'gone' && outcome !== 'known') this.#options.onCount({ kind: 'failed' });
  }

  #trouble(duty: Duty, failure: Failure | undefined): void {
    if (failure === undefined) {
      if (this.#troubles.delete(duty)) this.#options.log.info(`${DUTIES[duty].what}: that is over`);
      if (this.isWell) this.#warned.clear();
      return;
    }
    this.#troubles.set(duty, failure);
    // Once for each kind of trouble: what differs from attempt to attempt is in its text.
    const kind = `${duty} ${failure.status}`;
    if (this.#warned.has(kind)) return;
    this.#warned.add(kind);
    const { what, consequence } = DUTIES[duty];
    this.#options.log.warn(what, { reason: failure.reason, fix: failure.fix, consequence });
  }
}
