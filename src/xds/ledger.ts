/**
 * What a client has of one type: for all that it is subscribed to, the state of the view after change number `cursor`,
 * but for the few names with a mark. So an idle stream costs its subscription's bits and a number. Pure.
 */
import type { Entry } from './entry.ts';
import { IdSet } from './id-set.ts';
import { Marks } from './marks.ts';
import type { PackedVersions } from './packed-versions.ts';
import { type Item, type Known, type Mark, type Speech, UNKNOWN } from './pass.ts';
import type { Differences } from './recent-states.ts';
import type { EncodedResource } from './resource.ts';
import { textAt } from './source.ts';
import type { Subscription, SubscriptionChange } from './subscription.ts';
import type { TypeLog } from './type-log.ts';

const NOTHING: Mark = { has: undefined, forced: false, unsure: false, refused: undefined, heldSince: undefined };

export class Ledger {
  readonly #subscription: Subscription;
  #log: TypeLog;
  #marks: Marks;
  cursor: number;

  constructor(subscription: Subscription, log: TypeLog, cursor: number) {
    this.#subscription = subscription;
    this.#log = log;
    this.#marks = new Marks(subscription, log.names);
    this.cursor = cursor;
  }

  get log(): TypeLog {
    return this.#log;
  }

  get marks(): Marks {
    return this.#marks;
  }

  /** What the client has under a name once it accepts what it was sent. */
  has(name: string): Known | undefined {
    const mark = this.#marks.get(name);
    if (mark !== undefined) return mark.has;
    return this.#subscription.has(name) ? this.#log.entry(name)?.at(this.cursor) : undefined;
  }

  mark(name: string, has: Known | undefined, more: Partial<Mark> = {}): void {
    this.#marks.set(name, { ...NOTHING, has, ...more });
  }

  unmark(name: string): void {
    this.#marks.delete(name);
  }

  /** It waits from now on, if it does not already. */
  hold(name: string, mark: Mark, now: number): void {
    if (mark.heldSince === undefined) this.#marks.hold(name, mark, now);
  }

  /** The client accepts `sent` under this name, or will: the cursor may say so already. */
  settle(name: string, sent: EncodedResource | undefined): void {
    const entry = this.#log.entry(name);
    const refused = this.#marks.get(name)?.refused;
    // N8: of what it refuses, it was sent what it had before.
    if (refused !== undefined && refused.version === entry?.current?.version && refused.version !== sent?.version)
      this.mark(name, sent, { refused });
    else if (entry?.at(this.cursor)?.version === sent?.version) this.unmark(name);
    else this.mark(name, sent);
  }

  /** Everything is subscribed now: of what was not named, the client has nothing. */
  restart(): void {
    for (const name of this.#subscription.explicit()) if (!this.#marks.has(name)) this.mark(name, this.has(name));
    this.cursor = 0;
  }

  /**
   * What is under way may be taken all the same by a client that gave it up and asks for it anew: if it goes before it is
   * sent again, that has to be said. Of a name that delta asks for it is said anyway (R1).
   * @param items of the response that is under way
   */
  doubt(items: ReadonlyMap<string, Item>, change: SubscriptionChange, { missing }: Speech, isFullState: boolean): void {
    const { everything, answer } = change;
    if (missing ? !everything : !isFullState || (!everything && answer.size === 0)) return;
    const { ids } = this.#subscription;
    for (const [name, { sent }] of items) {
      const id = this.#log.names.find(name) ?? -1;
      const isAnew = ids.has(id) ? !missing && answer.has(id) : everything;
      if (!isAnew || sent === undefined) continue;
      // A full state holds it or does not: it is taken for accepted, and sent again.
      if (missing) this.mark(name, UNKNOWN);
      else this.mark(name, sent, { forced: true });
    }
  }

  /** A full state goes out: it answers those who were asked for again, also where it holds what the client has. */
  answerKept(): void {
    for (const [name, mark] of this.#marks) {
      if (mark.forced && mark.has?.bytes !== undefined) this.#marks.set(name, { ...mark, forced: false });
    }
  }

  /** A full state was accepted: where it was not known what the client has, it has what was in it, or nothing. */
  forgetUnknown(): void {
    for (const [name, mark] of this.#marks) {
      if (mark.has === UNKNOWN) this.#marks.set(name, { ...mark, unsure: false, has: undefined });
      else if (mark.unsure) this.#marks.set(name, { ...mark, unsure: false });
    }
  }

  /** What is not subscribed any more needs no mark. */
  forgetUnsubscribed(): void {
    for (const [name] of this.#marks) if (!this.#subscription.has(name)) this.unmark(name);
  }

  /**
   * A reconnected client says what it has (C1 to C3).
   * @param seq the view's newest change number
   * @param mustSend names that are sent whatever the client has; undefined: none
   */
  seed(versions: PackedVersions, seq: number, mustSend: ((name: string) => boolean) | undefined): void {
    const { source } = versions;
    const { names, versions: column, live } = this.#log;
    const { wildcard, ids } = this.#subscription;
    /** Those of which it has just what there is. */
    const upToDate = new IdSet();
    const missing = new IdSet();
    if (wildcard) missing.addAll(live);
    const gone: (readonly [name: string, version: string])[] = [];
    names.expect(versions.size);
    for (const each = versions.walk(); each.next(); ) {
      const id = names.findAt(source, each.from, each.to);
      // C4: names that the client has and does not ask for mean nothing. One that it asks for and has not stays forced.
      if (!wildcard && !ids.has(id)) continue;
      if (mustSend === undefined && column.is(id, source.words, each.versionFrom, each.versionTo)) {
        upToDate.add(id);
        continue;
      }
      const name = textAt(source, each.from, each.to);
      const version = textAt(source, each.versionFrom, each.versionTo);
      if (wildcard && !live.has(id)) {
        gone.push([name, version]);
        continue;
      }
      // Of a name that is there twice, the last counts.
      upToDate.delete(id);
      missing.delete(id);
      this.#compare(name, version, this.#log.entryOf(id), mustSend);
    }
    missing.deleteAll(upToDate);
    this.#marks.deleteAll(upToDate);
    if (!wildcard) return;
    for (const id of missing) {
      // R1: one that was asked for by name stays forced. It may be gone before it is sent, and then that has to be said.
      if (ids.has(id)) continue;
      const entry = this.#log.entryOf(id);
      if (entry !== undefined) this.mark(entry.name, undefined);
    }
    // C2: what is gone by now.
    for (const [name, version] of gone) this.#compare(name, version, undefined, mustSend);
    this.cursor = seq;
  }

  /**
   * The same for a client of which it is known that it has what there was before these changes, and asks for just that, or
   * for everything.
   * @param seq the view's newest change number
   */
  resume(differences: Differences, seq: number): void {
    const { wildcard, ids } = this.#subscription;
    this.#marks.deleteAll(ids);
    for (const [{ name, current }, version] of differences) {
      if (version === current?.version || (version === undefined && !wildcard)) continue;
      this.mark(name, version === undefined ? undefined : { version });
    }
    if (wildcard) this.cursor = seq;
  }

  #compare(name: string, version: string, entry: Entry | undefined, mustSend: ((name: string) => boolean) | undefined): void {
    if (mustSend?.(name) === true) this.mark(name, undefined, { forced: true });
    else if (version !== entry?.current?.version) this.mark(name, { version });
    else this.#marks.delete(name);
  }

  /** The stream's view is another one now: what differs is due, the rest is not. @param seq its newest change number */
  rebase(log: TypeLog, seq: number): void {
    const names = new Set(this.#subscription.explicit());
    for (const [name] of this.#marks) names.add(name);
    if (this.#subscription.wildcard) {
      for (const { name } of this.#log.entries()) names.add(name);
      for (const { name } of log.entries()) names.add(name);
    }
    const kept: (readonly [string, Mark])[] = [];
    for (const name of names) {
      const mark = this.#marks.get(name) ?? { ...NOTHING, has: this.has(name) };
      if (mark.forced || mark.unsure || mark.has?.version !== log.entry(name)?.current?.version) kept.push([name, mark]);
    }
    this.#subscription.moveTo(log.names);
    this.#log = log;
    this.#marks = new Marks(this.#subscription, log.names);
    for (const [name, mark] of kept) this.#marks.set(name, mark);
    this.cursor = seq;
  }

  /** All that the client has once it accepts `items`: the body of a State-of-the-World response of a full-state type. */
  stateAfter(items: ReadonlyMap<string, Item>): EncodedResource[] {
    const state: EncodedResource[] = [];
    const add = (name: string, entry: Entry | undefined): void => {
      const item = items.get(name);
      const mark = this.#marks.get(name);
      const resource = item !== undefined ? item.sent : mark !== undefined ? mark.has : entry?.at(this.cursor);
      // A bare version is never known here: only delta clients report versions.
      if (resource?.bytes !== undefined) state.push(resource);
    };
    if (this.#subscription.wildcard) {
      for (const entry of this.#log.entries()) add(entry.name, entry);
      for (const [name] of this.#marks) if (this.#log.entry(name) === undefined) add(name, undefined);
    } else {
      for (const name of this.#subscription.explicit()) add(name, this.#log.entry(name));
    }
    return state;
  }

  /** The cursor stops before the newest change of a name, but behind an older one that was never sent. */
  keepSkipped(reached: number): void {
    for (const entry of this.#log.since(reached)) {
      if (!this.#subscription.hasId(entry.id) || this.#marks.has(entry.name)) continue;
      const has = entry.at(this.cursor);
      if (has?.version !== entry.at(reached)?.version) this.mark(entry.name, has);
    }
  }
}
