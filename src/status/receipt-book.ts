/** Which intercepts wait for their receipt, and what is told once it is there. Times in ms since the epoch. */
import type { Intercept, InterceptModel } from '../model/intercept.ts';
import type { InterceptId, ObjectKey } from '../model/names.ts';
import { digest } from './digest.ts';
import { type Fact, targetName } from './fact.ts';
import { previewTarget } from './problem-facts.ts';

/** As the xDS server gives it. */
export interface ReceiptState {
  readonly needed: number;
  readonly acked: number;
  readonly liveSince?: number;
  readonly state: 'live' | 'pending' | 'noProxy' | 'rejected';
}

interface Awaited {
  readonly intercept: Intercept;
  readonly version: string;
  /** When the control plane saw what made this version. */
  readonly seenAt: number;
  askAt: number;
  pause: number;
  fact: Fact;
}

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 15_000;
/** How many receipts are asked for at a time: each looks through all views. */
const ASKED_AT_ONCE = 100;

export class ReceiptBook {
  readonly #byService = new Map<ObjectKey, ReadonlyMap<InterceptId, Awaited>>();
  readonly #waiting = new Map<InterceptId, Awaited>();

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

  /** Asks for the receipts whose turn it is. */
  ask(receipt: (id: InterceptId) => ReceiptState, now: number): void {
    let asked = 0;
    for (const [id, awaited] of this.#waiting) {
      if (awaited.askAt > now) continue;
      if (asked === ASKED_AT_ONCE) return;
      asked += 1;
      const { needed, acked, liveSince, state } = receipt(id);
      if (state === 'live' && liveSince !== undefined) {
        awaited.fact = liveFact(awaited, `${acked} of ${needed}`, Math.max(0, liveSince - awaited.seenAt));
        this.#waiting.delete(id);
      } else {
        awaited.pause = Math.min(2 * awaited.pause, LONGEST_PAUSE_MS);
        awaited.askAt = now + awaited.pause;
        // To the end: those that wait for long must not keep others from their turn.
        this.#waiting.delete(id);
        this.#waiting.set(id, awaited);
      }
    }
  }

  *facts(): Iterable<Fact> {
    for (const intercepts of this.#byService.values()) for (const { fact } of intercepts.values()) yield fact;
  }

  #await(intercept: Intercept, before: Awaited | undefined, seenAt: number): Awaited {
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

function liveFact({ intercept, version }: Awaited, envoys: string, ms: number): Fact {
  const { key, target, rule, mode } = intercept;
  const who = `Requests to ${target} with the key ${key}${rule === undefined ? '' : ', or that match its rule,'}`;
  const what = mode === 'mirror' ? 'are copied to it' : 'reach it';
  const text = `Live on ${envoys} Envoys after ${ms} ms. ${who} ${what}.`;
  return { ...silentFact(intercept), text, version };
}
