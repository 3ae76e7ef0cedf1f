/** Keeps a copy of one resource of one namespace, or of all: list, watch, and again from where that ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiClient, isFailure } from '../../kubernetes/api-client.ts';
import type { ClusterChange } from '../../model/cluster-state.ts';
import type { Problem } from '../../model/problem.ts';
import type { Projection } from '../objects.ts';
import { type ListOptions, listAll } from './list.ts';
import { ObjectStore } from './object-store.ts';
import { type BackOff, INITIAL_STATE, pauseOf, type ReflectorEvent, step, type Trouble } from './reflector-state.ts';
import type { Target } from './resources.ts';
import { watch } from './watch.ts';
import type { WatchEvent } from './watch-event.ts';

export interface ReflectorTimes {
  readonly backOff: BackOff;
  /** ms without a byte after which a watch counts as dead. */
  readonly silence: number;
  /** How long the server is asked to hold a watch, seconds: from this to a quarter more. */
  readonly watchSeconds: number;
}

export const REFLECTOR_TIMES: ReflectorTimes = {
  backOff: { first: 250, longest: 30_000 },
  silence: 90_000,
  watchSeconds: 240,
};

export interface ReflectorOptions {
  readonly client: ApiClient;
  readonly target: Target;
  readonly times: ReflectorTimes;
  /** ms since the epoch. */
  readonly now: () => number;
  /** 0 to 1. */
  readonly random: () => number;
  /** Objects, problems, trouble or being synced changed. */
  readonly onUpdate: (changes: readonly ClusterChange[]) => void;
}

export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #store = new ObjectStore();
  #state = INITIAL_STATE;
  #heardAt = 0;

  constructor(options: ReflectorOptions) {
    this.#options = options;
  }

  get target(): Target {
    return this.#options.target;
  }

  get hasListed(): boolean {
    return this.#state.hasListed;
  }

  get trouble(): Trouble | undefined {
    return this.#state.trouble;
  }

  /** When the server last said something, ms since the epoch; 0: never. */
  get heardAt(): number {
    return this.#heardAt;
  }

  problems(): readonly Problem[] {
    return this.#store.problems();
  }

  /** Until `signal`; whatever the server does, it goes on. */
  async run(signal: AbortSignal): Promise<void> {
    const { times, random } = this.#options;
    while (!signal.aborted) {
      if (this.#state.version === undefined) await this.#list(signal);
      else await this.#watch(this.#state.version, signal);
      const pause = pauseOf(this.#state, times.backOff, random());
      if (pause > 0) await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, target } = this.#options;
    // Nobody sees the first list before it is whole, so what it says can be worked on while the rest comes. Later ones wait.
    const waiting = new Map<string, Projection>();
    const onPage: ListOptions['onPage'] = (objects) => {
      if (!this.hasListed) this.#options.onUpdate(this.#store.putAll(objects));
      else for (const [name, projection] of objects) waiting.set(name, projection);
    };
    const listed = await listAll({ client, target, signal, onPage });
    if (signal.aborted) return;
    if (isFailure(listed)) return this.#step({ kind: 'list-failed', failure: listed });
    this.#heard();
    const { names, resourceVersion } = listed;
    const removed = this.#store.retain(names);
    // A list that began again may have brought what is gone since.
    const changes = this.#store.putAll([...waiting].filter(([name]) => names.has(name)));
    this.#step({ kind: 'listed', version: resourceVersion }, [...removed, ...changes]);
  }

  async #watch(from: string, signal: AbortSignal): Promise<void> {
    const { client, target, times, random } = this.#options;
    const openedAt = performance.now();
    let hasAdvanced = false;
    const end = await watch({
      client,
      target,
      from,
      timeoutSeconds: Math.round(times.watchSeconds * (1 + random() / 4)),
      silence: times.silence,
      signal,
      onOpen: () => {
        this.#heard();
        this.#step({ kind: 'watch-opened' });
      },
      onEvents: (events) => {
        hasAdvanced = true;
        this.#take(events);
      },
    });
    if (signal.aborted) return;
    if (end === 'closed') this.#step({ kind: 'watch-closed', lasted: performance.now() - openedAt, hasAdvanced });
    else this.#step({ kind: 'watch-failed', failure: end });
  }

  #take(events: readonly WatchEvent[]): void {
    const changes: ClusterChange[] = [];
    let version: string | undefined;
    for (const event of events) {
      if (event.kind === 'failure') continue;
      if (event.kind === 'put') changes.push(...this.#store.put(event.name, event.projection));
      else if (event.kind === 'remove') changes.push(...this.#store.remove(event.name));
      version = event.resourceVersion;
    }
    if (version === undefined) return;
    this.#heard();
    this.#step({ kind: 'watch-advanced', version }, changes);
  }

  #heard(): void {
    this.#heardAt = this.#options.now();
  }

  #step(event: ReflectorEvent, changes: readonly ClusterChange[] = []): void {
    this.#state = step(this.#state, event, this.#options.now());
    this.#options.onUpdate(changes);
  }
}
