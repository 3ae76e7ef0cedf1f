/** Tells what is so, for one term of the leader: looks, finds out what is not told yet, and writes that. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isFailure } from '../kubernetes/api-client.ts';
import { type Failure, orGone } from '../kubernetes/failure.ts';
import { pauseAfter } from './back-off.ts';
import { EventLedger, type LedgerLimits, type MadeAt, type Outcome } from './event-ledger.ts';
import type { EventWriter } from './event-writer.ts';
import type { Fact, Telling } from './fact.ts';

export interface EventReporterOptions {
  readonly writer: EventWriter;
  readonly limits: LedgerLimits;
  /** Empty: all. */
  readonly namespaces: readonly string[];
  /** All that is so now; undefined: that is not known yet. */
  readonly facts: () => readonly Fact[] | undefined;
  /** Which objects may be others than those of their name that were told. */
  readonly madeAt: MadeAt;
  /** ms since the epoch. */
  readonly now: () => number;
  readonly random: () => number;
  /** Between two looks, ms. */
  readonly everyMs: number;
  readonly onOutcome: (outcome: Outcome) => void;
  /** Those that were left out, since the last call. */
  readonly onDropped: (count: number) => void;
  /** Why Events cannot be written; undefined: they can. */
  readonly onTrouble: (failure: Failure | undefined) => void;
}

const AT_ONCE = 8;
const BACK_OFF = { first: 500, longest: 30_000 };

export class EventReporter {
  readonly #options: EventReporterOptions;
  readonly #ledger: EventLedger;
  #failures = 0;
  #dropped = 0;

  constructor(options: EventReporterOptions) {
    this.#options = options;
    this.#ledger = new EventLedger(options.now(), options.limits);
  }

  /** Until the term ends. */
  async run(term: AbortSignal): Promise<void> {
    await this.#readTold(term);
    while (!term.aborted) {
      const { facts, madeAt, now, everyMs } = this.#options;
      const current = facts();
      let failure: Failure | undefined;
      if (current !== undefined) {
        this.#ledger.observe(current, now());
        failure = await this.#write(this.#ledger.take(now(), AT_ONCE, madeAt), term);
        this.#tellDropped();
      }
      await pause(failure === undefined ? everyMs : this.#pauseAfter(failure), term);
    }
  }

  /** What the leader before this one told is not told again. Without the right to list, all that is so is. */
  async #readTold(term: AbortSignal): Promise<void> {
    const { writer, namespaces, onTrouble } = this.#options;
    while (!term.aborted) {
      const told = await writer.readAll(namespaces, term);
      if (term.aborted) return;
      if (!isFailure(told)) {
        this.#failures = 0;
        this.#ledger.seed(told);
        return;
      }
      onTrouble(told);
      if (told.status === 403) return;
      await pause(this.#pauseAfter(told), term);
    }
  }

  /** @returns what is wrong with the server, or our rights. */
  async #write(tellings: readonly Telling[], term: AbortSignal): Promise<Failure | undefined> {
    const { writer, namespaces, now, onOutcome, onTrouble } = this.#options;
    let failure: Failure | undefined;
    let isWell = false;
    await Promise.all(
      tellings.map(async (telling) => {
        const answer = await writer.write(telling, term);
        const outcome = isFailure(answer) ? outcomeOf(answer) : answer.outcome;
        this.#ledger.done(telling, outcome, now(), isFailure(answer) ? undefined : answer.uid);
        if (term.aborted) return;
        onOutcome(outcome);
        if (!isFailure(answer)) isWell = true;
        if (isFailure(answer) && outcome !== 'gone')
          failure = orGone(answer, namespaces.length === 0 ? undefined : telling.fact.target.namespace);
      }),
    );
    if (term.aborted) return undefined;
    if (failure !== undefined || isWell) onTrouble(failure);
    if (isWell) this.#failures = 0;
    // What one Event is denied, refused or fails for holds up no other.
    return failure !== undefined && outcomeOf(failure) === 'failed' && !isWell ? failure : undefined;
  }

  #pauseAfter({ retryAfterMs }: Failure): number {
    this.#failures += 1;
    return pauseAfter(this.#failures, BACK_OFF, { retryAfterMs, random: this.#options.random() });
  }

  #tellDropped(): void {
    const { dropped } = this.#ledger;
    if (dropped > this.#dropped) this.#options.onDropped(dropped - this.#dropped);
    this.#dropped = dropped;
  }
}

function outcomeOf({ status }: Failure): Outcome {
  if (status === 404) return 'gone';
  if (status === 403) return 'denied';
  return status >= 400 && status < 500 && ![401, 408, 409, 429].includes(status) ? 'refused' : 'failed';
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
