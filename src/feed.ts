/** Carries what a source says into the intercept engine, and what that changed to whoever publishes it. */
import type { InterceptEngine } from './intercepts/engine.ts';
import type { Logger } from './logger.ts';
import type { ClusterChange } from './model/cluster-state.ts';
import type { InterceptModel, ModelChange } from './model/intercept.ts';
import type { Problem } from './model/problem.ts';
import type { Source, SourceBatch } from './sources/source.ts';

export interface FeedOptions {
  readonly source: Source;
  readonly engine: InterceptEngine;
  /**
   * Called once the source is synced, and then for every change that is not empty.
   * `seenAt`: when the source said what made it, or its time came; ms since the epoch.
   */
  readonly publish: (model: InterceptModel, change: ModelChange, seenAt: number) => void;
  readonly onChanges: (changes: readonly ClusterChange[]) => void;
  readonly log: Logger;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** Timers hold no more than 24 days, and know nothing of a clock that is set: the longest nap between two looks at it. */
const LONGEST_NAP_MS = 60_000;

export class Feed implements Disposable {
  readonly #options: FeedOptions;
  #following: Disposable | undefined;
  /** What the engine has yet to be told. */
  #waiting: ClusterChange[] = [];
  #flush: NodeJS.Immediate | undefined;
  #alarm: NodeJS.Timeout | undefined;
  #published = false;
  #last: SourceBatch = { changes: [], problems: [], synced: false, trouble: undefined };

  constructor(options: FeedOptions) {
    this.#options = options;
  }

  /** Everything was read once, and is published. */
  get synced(): boolean {
    return this.#published;
  }

  /** Why the source cannot be read now. */
  get trouble(): string | undefined {
    return this.#last.trouble;
  }

  /**
   * How old what is served may be, in ms: 0 while the source is followed, else the time since it was last heard;
   * undefined before everything was read once.
   */
  get ageMs(): number | undefined {
    if (!this.#published) return undefined;
    const { source, now } = this.#options;
    return this.#last.trouble === undefined ? 0 : Math.max(0, now() - source.lastReadAt());
  }

  /** What is wrong with what the source reads. */
  get problems(): readonly Problem[] {
    return this.#last.problems;
  }

  start(): void {
    this.#following = this.#options.source.follow((batch) => this.#receive(batch));
  }

  [Symbol.dispose](): void {
    this.#following?.[Symbol.dispose]();
    clearImmediate(this.#flush);
    clearTimeout(this.#alarm);
  }

  #receive(batch: SourceBatch): void {
    this.#tellTrouble(batch);
    this.#last = batch;
    this.#options.onChanges(batch.changes);
    // Never half a world: streams wait until all of it was read. Then what depends on several objects is made once.
    if (!batch.synced) {
      this.#options.engine.take(batch.changes);
      return;
    }
    for (const change of batch.changes) this.#waiting.push(change);
    const seenAt = this.#options.now();
    // What comes within one turn of the event loop is one change.
    this.#flush ??= setImmediate(() => {
      this.#flush = undefined;
      const changes = this.#waiting;
      this.#waiting = [];
      this.#publish(this.#options.engine.apply(changes, this.#options.now()), seenAt);
    });
  }

  #publish(change: ModelChange, seenAt: number): void {
    const { engine, publish } = this.#options;
    this.#setAlarm();
    if (this.#published && isEmpty(change)) return;
    this.#published = true;
    publish(engine.model, change, seenAt);
  }

  /** Expiry and the end of linger come by time alone. */
  #setAlarm(): void {
    clearTimeout(this.#alarm);
    const { engine, now } = this.#options;
    const deadline = engine.nextDeadline();
    if (deadline === undefined) return;
    const nap = Math.min(Math.max(0, deadline - now()), LONGEST_NAP_MS);
    this.#alarm = setTimeout(() => {
      if (now() < deadline) this.#setAlarm();
      else this.#publish(engine.tick(now()), now());
    }, nap);
  }

  #tellTrouble(batch: SourceBatch): void {
    const { log, source } = this.#options;
    if (batch.trouble === this.#last.trouble) return;
    if (batch.trouble === undefined) {
      log.info(`${source.name} can be read again`);
      return;
    }
    const consequence = batch.synced
      ? 'What was read last is served on. Changes are missed until it can be read again; it is tried all the time.'
      : 'Nothing is served to Envoys before it was read once; it is tried all the time.';
    log.warn(batch.trouble, { source: source.name, consequence });
  }
}

function isEmpty({ services, hosts, pods, keys }: ModelChange): boolean {
  return services.size + hosts.size + pods.size + keys.size === 0;
}
