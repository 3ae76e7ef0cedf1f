/** Which intercepts wait for their receipt, and what is told once it is there. Times in ms since the epoch. */
import type { Intercept, InterceptModel } from '../model/intercept.ts';
import type { InterceptId, ObjectKey } from '../model/names.ts';
import { digest } from './digest.ts';
import { type Fact, targetName } from './fact.ts';
import type { MergedReceipt } from './merge-receipts.ts';
import { previewTarget } from './problem-facts.ts';

/** An intercept whose receipt is not there yet. */
export interface Awaited {
  readonly intercept: Intercept;
  readonly version: string;
  /** When the control plane saw what made this version. */
  readonly seenAt: number;
}

interface Entry extends Awaited {
  askAt: number;
  pause: number;
  fact: Fact;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 15_000;
/** A replica that gives no answer for so long is left out. */
const PATIENCE_MS = 20_000;
/** How many receipts are asked for at a time: each looks through all views. */
const ASKED_AT_ONCE = 100;

export class ReceiptBook {
  readonly #byService = new Map<ObjectKey, ReadonlyMap<InterceptId, Entry>>();
  readonly #waiting = new Map<InterceptId, Entry>();

  /** @param services those that may have changed; `seenAt`: when the control plane heard of the change. */
  changed(model: InterceptModel, services: Iterable<ObjectKey>, seenAt: number): void {
    for (const service of services) {
      const before = this.#byService.get(service);
      const intercepts = (model.services.get(service)?.intercepts ?? []).filter(({ state }) => state === 'active');
      const after = new Map(intercepts.map((each) => [each.id, this.#await(each, before?.get(each.id), seenAt)]));
      for (const id of before?.keys() ?? []) if (!after.has(id)) this.#waiting.delete(id);
      if (after.size === 0) this.#byService.delete(service);
      else this.#byService.set(service, after);
    }
  }

  /** Those whose turn it is, longest waiting first. Each needs its {@link noted}. */
  due(now: number): readonly Awaited[] {
    const due: Awaited[] = [];
    for (const entry of this.#waiting.values()) {
      if (due.length === ASKED_AT_ONCE) break;
      if (entry.askAt <= now) due.push(entry);
    }
    return due;
  }

  /**
   * @param receipt of all replicas; an intercept that is another one meanwhile is asked for anew.
   * @returns whether it is live: nobody has to ask any more.
   */
  noted({ intercept: { id }, version, seenAt }: Awaited, receipt: MergedReceipt, now: number): boolean {
    const entry = this.#waiting.get(id);
    if (entry?.version !== version || entry.seenAt !== seenAt) return false;
    this.#waiting.delete(id);
    const { state, liveSince, silent } = receipt;
    const isPatient = silent > 0 && now - seenAt < PATIENCE_MS;
    if (state === 'live' && liveSince !== undefined && !isPatient) {
      entry.fact = liveFact(entry, receipt, Math.max(0, liveSince - seenAt));
      return true;
    }
    // To the end: those that wait for long must not keep others from their turn.
    this.#waiting.set(id, entry);
    entry.pause = Math.min(2 * entry.pause, LONGEST_PAUSE_MS);
    entry.askAt = now + entry.pause;
    return false;
  }

  *facts(): Iterable<Fact> {
    for (const intercepts of this.#byService.values()) for (const { fact } of intercepts.values()) yield fact;
  }

  #await(intercept: Intercept, before: Entry | undefined, seenAt: number): Entry {
    const version = versionOf(intercept);
    if (before?.version === version) return before;
    const fact = silentFact(intercept);
    const awaited = { intercept, version, seenAt, askAt: 0, pause: FIRST_PAUSE_MS, fact };
    // Without a ready pod there is nothing that a request could reach: `NoReadyPods` says so.
    if (intercept.endpoints.length > 0) this.#waiting.set(intercept.id, awaited);
    else this.#waiting.delete(intercept.id);
    return awaited;
  }
}

/** What its author decides: pods that come and go make no new version, but the first one does. */
function versionOf({ key, rule, whenUnavailable, mode, percent, endpoints }: Intercept): string {
  return digest(JSON.stringify([key, rule, whenUnavailable, mode, percent, endpoints.length > 0]));
}

function silentFact({ id, preview }: Intercept): Fact {
  const target = previewTarget(preview);
  return {
    target,
    topic: `receipt ${targetName(target)} ${id}`,
    reason: 'Live',
    type: 'Normal',
    text: '',
    version: undefined,
    ending: undefined,
    repeats: false,
  };
}

function liveFact({ intercept, version }: Awaited, { proxies, silent }: MergedReceipt, ms: number): Fact {
  const { key, target, rule, mode } = intercept;
  const acked = [...proxies.values()].filter((has) => has).length;
  const who = `Requests to ${target} with the key ${key}${rule === undefined ? '' : ', or that match its rule,'}`;
  const what = mode === 'mirror' ? 'are copied to it' : 'reach it';
  const rest = silent === 0 ? '' : ` ${silent} of the other replicas gave no answer: their Envoys are not counted.`;
  const text = `Live on ${acked} of ${proxies.size} Envoys after ${ms} ms. ${who} ${what}.${rest}`;
  return { ...silentFact(intercept), text, version };
}
