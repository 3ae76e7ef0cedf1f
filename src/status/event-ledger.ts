/**
 * What was told and what is so: the difference is what has to be told. There is no queue, so nothing piles up: whatever
 * happens while nothing can be written, one Event a topic is due afterwards. No clock: times come in, in ms since the epoch.
 */
import { type EventTarget, type Fact, type Phase, type Telling, targetName } from './fact.ts';
import { type BucketSize, TokenBucket } from './token-bucket.ts';

export interface LedgerLimits {
  /** What does not last so long is not told. */
  readonly settleMs: number;
  /** What is still so is told again after so long. */
  readonly repeatMs: number;
  /** A right that is missing is tried again after so long; what fails, sooner at first. */
  readonly deniedMs: number;
  /** More topics than these at once are left out. */
  readonly topics: number;
  /** Events of one object, and of all. */
  readonly perObject: BucketSize;
  readonly inTotal: BucketSize;
}

export const LEDGER_LIMITS: LedgerLimits = {
  settleMs: 2_000,
  repeatMs: 45 * 60_000,
  deniedMs: 60_000,
  topics: 10_000,
  perObject: { burst: 20, everyMs: 15_000 },
  inTotal: { burst: 50, everyMs: 200 },
};

/**
 * `written`: it is there. `known`: its object needs not be told. `gone`: its object is not there. `refused`: the server will
 * never take it. `denied`: a right is missing. `failed`: to be tried again.
 */
export type Outcome = 'written' | 'known' | 'gone' | 'refused' | 'denied' | 'failed';

/** When the oldest pod of a workload was made, in ms since the epoch; undefined where that is not known, or is no matter. */
export type MadeAt = (target: EventTarget) => number | undefined;

/** What an Event that is there says was told: how a new leader goes on where the last one stopped. */
export interface Told {
  readonly fact: Fact;
  readonly phase: Phase;
  readonly version: string;
  readonly at: number;
  /** Of the object that was told, {@link NOBODY} of none; undefined where it is not known. */
  readonly uid: string | undefined;
}

/** The uid of an object that was not there: whatever comes under its name is another one. */
const NOBODY = '';
/** Kubernetes tells to the second when an object was made. */
const CREATED_WITHIN_MS = 1_000;

interface Entry {
  current: Fact | undefined;
  told: Omit<Told, 'phase'> | undefined;
  /** What {@link MadeAt} said when its object was last looked at for being another one. */
  lookedFor: number | undefined;
  /** Since when there is something to tell. */
  since: number | undefined;
  notBefore: number;
  /** Attempts in a row. */
  failures: number;
  isUnderWay: boolean;
}

export class EventLedger {
  readonly #limits: LedgerLimits;
  readonly #entries = new Map<string, Entry>();
  readonly #perObject = new Map<string, TokenBucket>();
  readonly #inTotal: TokenBucket;
  #leftOut = 0;
  #dropped = 0;

  constructor(now: number, limits: LedgerLimits = LEDGER_LIMITS) {
    this.#limits = limits;
    this.#inTotal = new TokenBucket(limits.inTotal, now);
  }

  /** Facts that were left out because there are too many, and Events that the server refuses. */
  get dropped(): number {
    return this.#dropped;
  }

  /** How many topics are known: bounded. */
  get size(): number {
    return this.#entries.size;
  }

  /** Before the first {@link observe}. */
  seed(all: Iterable<Told>): void {
    const newest = new Map<string, Told>();
    for (const told of all) {
      const known = newest.get(told.fact.topic);
      if (known === undefined || known.at <= told.at) newest.set(told.fact.topic, told);
    }
    for (const [topic, { phase, ...told }] of newest) {
      const entry = phase === 'ended' ? undefined : this.#create(topic);
      if (entry !== undefined) entry.told = told;
    }
  }

  /** @param facts all that is so now. */
  observe(facts: Iterable<Fact>, now: number): void {
    const present = new Map<string, Fact>();
    for (const fact of facts) present.set(fact.topic, fact);
    for (const [topic, entry] of this.#entries) if (!present.has(topic)) this.#update(topic, entry, undefined, now);
    let leftOut = 0;
    for (const [topic, fact] of present) {
      const entry = this.#entries.get(topic) ?? this.#create(topic);
      if (entry === undefined) leftOut += 1;
      else this.#update(topic, entry, fact, now);
    }
    this.#dropped += Math.max(0, leftOut - this.#leftOut);
    this.#leftOut = leftOut;
    for (const [name, bucket] of this.#perObject) if (bucket.isFull(now)) this.#perObject.delete(name);
  }

  /** What is to be written now, longest waiting first. Each needs its {@link done}. */
  take(now: number, atMost: number, madeAt: MadeAt = () => undefined): readonly Telling[] {
    const { settleMs, repeatMs } = this.#limits;
    const due: { readonly entry: Entry; readonly telling: Telling; readonly since: number }[] = [];
    for (const entry of this.#entries.values()) {
      if (entry.isUnderWay || entry.notBefore > now) continue;
      if (entry.since !== undefined) {
        const telling = tellingOf(entry);
        if (telling !== undefined && entry.since + settleMs <= now) due.push({ entry, telling, since: entry.since });
      } else if (entry.told !== undefined && entry.current?.repeats === true && entry.told.at + repeatMs <= now) {
        const { version, at, uid } = entry.told;
        due.push({ entry, telling: { fact: entry.current, phase: 'is', version, toldOn: uid }, since: at + repeatMs });
      } else {
        const telling = tellingAnew(entry, madeAt);
        if (telling !== undefined) due.push({ entry, telling, since: now });
      }
    }
    due.sort((a, b) => a.since - b.since);
    const taken: Telling[] = [];
    for (const { entry, telling } of due) {
      if (taken.length >= atMost || !this.#inTotal.has(now)) break;
      const bucket = this.#bucketOf(targetName(telling.fact.target), now);
      if (!bucket.has(now)) continue;
      bucket.take();
      this.#inTotal.take();
      entry.isUnderWay = true;
      if (telling.onlyAnew === true) entry.lookedFor = madeAt(telling.fact.target);
      taken.push(telling);
    }
    return taken;
  }

  /** @param uid of the object that it was written on */
  done({ fact, phase, version, onlyAnew }: Telling, outcome: Outcome, now: number, uid?: string): void {
    const entry = this.#entries.get(fact.topic);
    if (entry === undefined) return;
    entry.isUnderWay = false;
    if (outcome === 'refused') this.#dropped += 1;
    const isOver = outcome !== 'failed' && outcome !== 'denied';
    if (isOver && (onlyAnew !== true || outcome === 'written')) {
      const on = outcome === 'gone' ? (entry.told?.uid ?? NOBODY) : uid;
      entry.told = phase === 'ended' ? undefined : { fact, version, at: now, uid: on };
      entry.since = undefined;
    }
    if (!isOver) entry.lookedFor = undefined;
    // A namespace whose webhooks fail must not keep the others from their turn.
    entry.failures = outcome === 'failed' ? entry.failures + 1 : 0;
    const { settleMs, deniedMs } = this.#limits;
    if (outcome === 'failed') entry.notBefore = now + Math.min(settleMs * 2 ** (entry.failures - 1), deniedMs);
    if (outcome === 'denied') entry.notBefore = now + deniedMs;
    this.#update(fact.topic, entry, entry.current, now);
  }

  /** @returns undefined: there are too many. */
  #create(topic: string): Entry | undefined {
    if (this.#entries.size >= this.#limits.topics) return undefined;
    const entry: Entry = {
      ...{ current: undefined, told: undefined, lookedFor: undefined, since: undefined },
      ...{ notBefore: 0, failures: 0, isUnderWay: false },
    };
    this.#entries.set(topic, entry);
    return entry;
  }

  #update(topic: string, entry: Entry, fact: Fact | undefined, now: number): void {
    const wasThere = entry.current !== undefined;
    entry.current = fact;
    // Nobody is told the end: then it is forgotten.
    if (fact === undefined && entry.told?.fact.ending === undefined && !entry.isUnderWay) entry.told = undefined;
    if (tellingOf(entry) === undefined) entry.since = undefined;
    else if (entry.since === undefined || wasThere !== (fact !== undefined)) entry.since = now;
    if (fact === undefined && entry.told === undefined && !entry.isUnderWay) this.#entries.delete(topic);
  }

  #bucketOf(name: string, now: number): TokenBucket {
    const known = this.#perObject.get(name);
    if (known !== undefined) return known;
    const bucket = new TokenBucket(this.#limits.perObject, now);
    this.#perObject.set(name, bucket);
    return bucket;
  }
}

/** The difference between what was told and what is so. */
function tellingOf({ current, told }: Entry): Telling | undefined {
  if (current === undefined)
    return told === undefined ? undefined : { fact: told.fact, phase: 'ended', version: told.version, toldOn: told.uid };
  if (current.version === undefined || current.version === told?.version) return undefined;
  return { fact: current, phase: 'is', version: current.version, toldOn: told?.uid };
}

/** Pods that are all younger than what was told may be those of another object: that is looked up, once. */
function tellingAnew(entry: Entry, madeAt: MadeAt): Telling | undefined {
  const { current, told } = entry;
  if (told?.uid === undefined || current?.version === undefined) return undefined;
  const made = madeAt(current.target);
  if (made === undefined || made === entry.lookedFor || made + CREATED_WITHIN_MS <= told.at) return undefined;
  return { fact: current, phase: 'is', version: current.version, toldOn: told.uid, onlyAnew: true };
}
