/** Asks the other replicas who their Envoys are, every few seconds and when it is asked to: see census.ts. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFailure } from '../kubernetes/api-client.ts';
import type { ApiSender } from '../kubernetes/api-objects.ts';
import { attendanceJson, readAttendance } from './attendance.ts';
import { type Attendance, Census, type Counts } from './census.ts';
import { listReplicaPods, type ReplicaPod } from './replica-pods.ts';

export interface CensusKeeperOptions {
  /** The name of this replica. */
  readonly name: string;
  /** Where the others are; undefined: there are none. */
  readonly cluster: { readonly sender: ApiSender; readonly namespace: string } | undefined;
  /** `node.id` of each stream to this replica. */
  readonly connected: () => Iterable<string>;
  readonly isDraining: () => boolean;
}

/** What is known of Envoys that no receipt counts. */
export interface CensusReport {
  readonly name: string;
  /** Replicas that answer this one, and serve Envoys. */
  readonly others: readonly string[];
  readonly isSettled: boolean;
  /** How many, by `node.id`, are on their way from a replica that has gone. */
  readonly astray: Readonly<Record<string, number>>;
}

const EVERY_MS = 2_000;
/** However many strangers ask. */
const RELIST_MS = 500;
const LIST_MS = 5_000;
const ANSWER_MS = 1_000;

export class CensusKeeper implements AsyncDisposable {
  readonly #options: CensusKeeperOptions;
  readonly #life = randomUUID();
  readonly #census = new Census(performance.now());
  readonly #stop = new AbortController();
  /** By URL: those that were listed last, and those that answered last. */
  #pods: readonly ReplicaPod[] = [];
  #answered = new Set<string>();
  #listedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #listing: Promise<void> | undefined;
  #round: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #loop: Promise<void> | undefined;

  constructor(options: CensusKeeperOptions) {
    this.#options = options;
  }

  start(): void {
    this.#loop ??= this.#run();
  }

  /** As a JSON document, for the others. */
  attendance(): object {
    const { name } = this.#options;
    const now = performance.now();
    const [isSettled, astray] = [this.#census.isSettled(now), this.#census.astray(now)];
    return attendanceJson({ name, life: this.#life, isSettled, connected: this.#own(), astray });
  }

  /** Whether Envoys are missing, as far as the last look told. */
  get isAnyAstray(): boolean {
    return this.#census.astray(performance.now()).size > 0;
  }

  /** As things are now: all others were asked after this was. */
  async look(): Promise<CensusReport> {
    await this.#ask();
    const now = performance.now();
    return {
      name: this.#options.name,
      others: this.#census.others,
      isSettled: this.#census.isSettled(now),
      astray: Object.fromEntries(this.#census.astray(now)),
    };
  }

  /** Whether a replica has the address; one that has just started may not have been listed yet. */
  async isReplica(address: string): Promise<boolean> {
    const isKnown = () => this.#pods.some(({ addresses }) => addresses.includes(address));
    if (isKnown()) return true;
    if (this.#listing !== undefined || performance.now() - this.#triedAt >= RELIST_MS) await this.#listNow();
    return isKnown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.#round;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await this.#ask();
      await sleep(EVERY_MS, undefined, { signal }).catch(() => undefined);
    }
  }

  /** A round that begins after this call; those who ask while one is under way share the next. */
  #ask(): Promise<void> {
    this.#next ??= this.#round.then(() => {
      this.#next = undefined;
      this.#round = this.#askAll();
      return this.#round;
    });
    return this.#next;
  }

  async #askAll(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    await this.#list();
    const { name, isDraining } = this.#options;
    const urls = new Set([...this.#pods.filter((pod) => pod.name !== name).map(({ url }) => url), ...this.#answered]);
    const answers = await Promise.all([...urls].map(async (url) => [url, await this.#askOne(url)] as const));
    const others = answers.flatMap(([url, answer]) =>
      answer === undefined || answer.life === this.#life ? [] : [{ url, answer }],
    );
    this.#answered = new Set(others.map(({ url }) => url));
    const round = { own: this.#own(), isDraining: isDraining(), others: others.map(({ answer }) => answer) };
    this.#census.noteRound({ ...round, now: performance.now() });
  }

  #own(): Counts {
    const counts = new Map<string, number>();
    for (const id of this.#options.connected()) counts.set(id, (counts.get(id) ?? 0) + 1);
    return counts;
  }

  /** Where they may not be listed, each is taken for the only one. */
  async #list(): Promise<void> {
    if (performance.now() - this.#listedAt >= EVERY_MS) await this.#listNow();
  }

  /** Those who want it meanwhile share it. */
  #listNow(): Promise<void> {
    this.#listing ??= this.#listPods().finally(() => {
      this.#listing = undefined;
    });
    return this.#listing;
  }

  async #listPods(): Promise<void> {
    const { cluster } = this.#options;
    if (cluster === undefined) return;
    this.#triedAt = performance.now();
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(LIST_MS)]);
    const pods = await listReplicaPods(cluster.sender, cluster.namespace, signal);
    if (isFailure(pods)) return;
    this.#listedAt = performance.now();
    this.#pods = pods;
  }

  async #askOne(url: string): Promise<Attendance | undefined> {
    try {
      const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(ANSWER_MS)]);
      const response = await fetch(`${url}/api/replica`, { signal });
      return response.ok ? readAttendance(await response.json()) : undefined;
    } catch {
      return undefined;
    }
  }
}
