/**
 * Which Envoys are between two replicas. A receipt counts the Envoys that are connected; one whose replica was killed a
 * moment ago is connected nowhere, and has none of what came since. Those that are left remember whom it served, until
 * each has come to one of them. Pure: times in ms, of one clock that never goes back.
 */

/** How many streams, by `node.id`: several Envoys may have one name. */
export type Counts = ReadonlyMap<string, number>;

/** What one replica says of itself. */
export interface Attendance {
  readonly name: string;
  /** Of this process: another one of the same name knows nothing of its Envoys. */
  readonly life: string;
  /** It knows of all Envoys that are between replicas. */
  readonly isSettled: boolean;
  readonly connected: Counts;
  readonly astray: Counts;
}

export interface CensusTimes {
  /** An Envoy that has not come back after so long is taken to be gone, ms. */
  readonly patienceMs: number;
}

/** Twice the longest pause that an Envoy makes between two attempts: see the bootstrap. */
export const CENSUS_TIMES: CensusTimes = { patienceMs: 10_000 };

export interface Round {
  /** Of this replica. */
  readonly own: Counts;
  /** It sends its Envoys away. */
  readonly isDraining: boolean;
  /** Of the other replicas that answered. */
  readonly others: readonly Attendance[];
  readonly now: number;
}

interface Missing {
  readonly count: number;
  readonly until: number;
}

export class Census {
  readonly #times: CensusTimes;
  readonly #startedAt: number;
  #own: Counts = new Map();
  #others: ReadonlyMap<string, Attendance> = new Map();
  #astray = new Map<string, Missing>();
  #isToldOfAll = false;

  constructor(startedAt: number, times: CensusTimes = CENSUS_TIMES) {
    this.#startedAt = startedAt;
    this.#times = times;
  }

  /** What a replica that has just started cannot know, another one tells it; or it has gone by. */
  isSettled(now: number): boolean {
    return this.#isToldOfAll || now - this.#startedAt >= this.#times.patienceMs;
  }

  /** @param now what nobody waits for any more is left out */
  astray(now: number): Counts {
    return new Map([...this.#astray].flatMap(([id, { count, until }]) => (until > now ? [[id, count] as const] : [])));
  }

  /** Names of the other replicas that serve Envoys, of those that answered last. */
  get others(): readonly string[] {
    return [...this.#others.values()].filter(({ connected }) => connected.size > 0).map(({ name }) => name);
  }

  noteRound({ own, isDraining, others, now }: Round): void {
    const until = now + this.#times.patienceMs;
    const after = new Map(others.map((each) => [each.life, each]));
    const before = this.#others;
    if (!this.isSettled(now)) this.#learn(others, until);
    const stayed = sumOf([
      this.#own,
      ...[...before.values()].filter(({ life }) => after.has(life)).map(({ connected }) => connected),
    ]);
    const present = sumOf([own, ...others.map(({ connected }) => connected)]);
    for (const each of before.values()) if (!after.has(each.life)) this.#lose(each, until);
    if (isDraining) for (const [id, count] of this.#own) this.#miss(id, count - (own.get(id) ?? 0), until);
    for (const [id, { count, until: last }] of this.#astray) {
      const left = count - Math.max(0, (present.get(id) ?? 0) - (stayed.get(id) ?? 0));
      if (left <= 0 || last <= now) this.#astray.delete(id);
      else this.#astray.set(id, { count: left, until: last });
    }
    this.#own = own;
    this.#others = after;
  }

  #learn(others: readonly Attendance[], until: number): void {
    for (const { isSettled, astray } of others) {
      if (!isSettled) continue;
      this.#isToldOfAll = true;
      this.#expect(astray, until);
    }
  }

  #lose({ connected, astray }: Attendance, until: number): void {
    for (const [id, count] of connected) this.#miss(id, count, until);
    // Whom it waited for itself, most likely we do too.
    this.#expect(astray, until);
  }

  #expect(counts: Counts, until: number): void {
    for (const [id, count] of counts) this.#miss(id, count - (this.#astray.get(id)?.count ?? 0), until);
  }

  #miss(id: string, count: number, until: number): void {
    if (count > 0) this.#astray.set(id, { count: (this.#astray.get(id)?.count ?? 0) + count, until });
  }
}

function sumOf(all: readonly Counts[]): Counts {
  const sum = new Map<string, number>();
  for (const counts of all) for (const [id, count] of counts) sum.set(id, (sum.get(id) ?? 0) + count);
  return sum;
}
