/** The marks of one type on one stream, by name. Those that say no more than "asked for, and has nothing" are bits. */
import { IdSet } from './id-set.ts';
import type { NameTable } from './name-table.ts';
import type { Mark } from './pass.ts';
import type { Subscription } from './subscription.ts';

const OWED: Mark = { has: undefined, forced: true, unsure: false, refused: undefined, heldSince: undefined };

export class Marks implements Iterable<readonly [string, Mark]> {
  readonly #subscription: Subscription;
  readonly #names: NameTable;
  readonly #byName = new Map<string, Mark>();
  /** Marks like {@link OWED}: of names that were asked for by name, while not everything is. */
  readonly #owed = new IdSet();
  /** What all of those are. */
  #owedMark = OWED;

  /** @param names that the subscription's ids are of */
  constructor(subscription: Subscription, names: NameTable) {
    this.#subscription = subscription;
    this.#names = names;
  }

  get size(): number {
    return this.#byName.size + this.#owed.size;
  }

  get(name: string): Mark | undefined {
    const mark = this.#byName.get(name);
    if (mark !== undefined || this.#owed.size === 0) return mark;
    const id = this.#names.find(name);
    return id !== undefined && this.#owed.has(id) ? this.#owedMark : undefined;
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  set(name: string, mark: Mark): void {
    const id = this.#names.find(name);
    if (isOwed(mark) && id !== undefined && this.#mayOwe(id)) {
      this.#endHold();
      this.#byName.delete(name);
      this.#owed.add(id);
      return;
    }
    this.#byName.set(name, mark);
    if (id !== undefined) this.#owed.delete(id);
  }

  delete(name: string): void {
    if (this.#byName.size > 0) this.#byName.delete(name);
    if (this.#owed.size === 0) return;
    const id = this.#names.find(name);
    if (id !== undefined) this.#owed.delete(id);
  }

  deleteId(id: number): void {
    this.#owed.delete(id);
    if (this.#byName.size > 0) this.#byName.delete(this.#names.nameOf(id));
  }

  deleteAll(ids: IdSet): void {
    this.#owed.deleteAll(ids);
    if (this.#byName.size > ids.size) for (const id of ids) this.#byName.delete(this.#names.nameOf(id));
    else for (const name of this.#byName.keys()) if (ids.has(this.#names.find(name) ?? -1)) this.#byName.delete(name);
  }

  /** These were asked for, and the client has none of them. */
  owe(ids: IdSet): void {
    if (ids.size === 0) return;
    this.#endHold();
    if (this.#byName.size > 0 || this.#subscription.wildcard) for (const id of ids) this.set(this.#names.nameOf(id), OWED);
    else this.#owed.addAll(ids);
  }

  /** It waits from now on; one that is owed, with all others that are. @param now ms */
  hold(name: string, mark: Mark, now: number): void {
    const id = this.#owed.size === 0 ? undefined : this.#names.find(name);
    if (id !== undefined && this.#owed.has(id)) this.#owedMark = { ...OWED, heldSince: now };
    else this.#byName.set(name, { ...mark, heldSince: now });
  }

  /** All names with a mark, where each was asked for and the client is known to have none of them; undefined: there are others. */
  get owed(): IdSet | undefined {
    return this.#byName.size === 0 ? this.#owed : undefined;
  }

  /** Also to be called when everything is subscribed: ids that are not asked for by name may be given to other names. */
  keepByName(): void {
    for (const id of this.#owed) this.#byName.set(this.#names.nameOf(id), this.#owedMark);
    this.#owed.clear();
    this.#owedMark = OWED;
  }

  *[Symbol.iterator](): Generator<readonly [string, Mark]> {
    yield* this.#byName;
    for (const id of this.#owed) yield [this.#names.nameOf(id), this.#owedMark];
  }

  /** What is owed from now on does not wait yet. */
  #endHold(): void {
    if (this.#owedMark !== OWED) this.keepByName();
  }

  #mayOwe(id: number): boolean {
    return !this.#subscription.wildcard && this.#subscription.ids.has(id);
  }
}

function isOwed({ has, forced, unsure, refused, heldSince }: Mark): boolean {
  return forced && !unsure && has === undefined && refused === undefined && heldSince === undefined;
}
