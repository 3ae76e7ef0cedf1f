/** One look over what a type may have to say: which names are due, which have to wait, which are known already. */
import type { Entry } from './entry.ts';
import type { EncodedResource } from './resource.ts';
import type { TypeFacts } from './type-urls.ts';

/** A resource that the client has: after a reconnect only its version is known. */
export type Known = EncodedResource | { readonly version: string; readonly bytes?: undefined };

/** Something under this name, or nothing: no version tells. */
export const UNKNOWN: Known = { version: '?' };

/** A name whose state at the client is not that of the cursor, or that waits for something. */
export interface Mark {
  /** undefined: the client does not have it, or may have forgotten it. */
  readonly has: Known | undefined;
  /** Has to be answered even when the client has it (W6, W8, W9, M3, R1). */
  readonly forced: boolean;
  /** It refused this together with others, and may have taken it all the same: what it has is that, or `has` (N9). */
  readonly unsure: boolean;
  /** Not sent again (N8). */
  readonly refused: Refusal | undefined;
  /** Since when it waits for another type, in ms. */
  readonly heldSince: number | undefined;
}

/** What a client has refused, alone. */
export interface Refusal {
  /** {@link REMOVAL} for a removal. */
  readonly version: string;
  /** What it said. */
  readonly error: string;
  /** ms */
  readonly at: number;
}

/** Stands for "it is gone" where a version would stand. */
export const REMOVAL = '';

export interface Item {
  /** undefined: that it is gone. */
  readonly sent: EncodedResource | undefined;
  readonly had: Known | undefined;
  /** What was to be said of it, beyond what is new; undefined: nothing. */
  readonly mark?: Mark | undefined;
}

/** What the other types of the stream let this one say now. */
export interface Gate {
  /** Whether {@link mayAdd} holds for all there is. */
  readonly isOpen: boolean;
  /** @param heldSince when it was first held back; undefined: not yet */
  mayAdd(resource: EncodedResource, heldSince: number | undefined): boolean;
  /** @param seq the number of the change that removed it */
  mayRemove(facts: TypeFacts, seq: number): boolean;
}

/** What a protocol can say of things that are not there. */
export interface Speech {
  /** That a resource is gone: delta, and full-state types of State-of-the-World. Elsewhere it goes with its parent (R7). */
  readonly removals: boolean;
  /** That a name does not exist: delta only (R1, R2). */
  readonly missing: boolean;
}

/** `full`: due, and there is no room left. `refused`: the client has refused just this. */
export type Verdict = 'due' | 'held' | 'known' | 'refused' | 'full';

export class Pass {
  readonly items = new Map<string, Item>();
  /** The first change, and the first time, of what waits for its clusters. */
  heldSeq: number | undefined;
  heldSince: number | undefined;
  /** Whether a removal waits for those who may point at what is gone. */
  hasHeldRemovals = false;
  readonly #gate: Gate;
  readonly #facts: TypeFacts | undefined;
  readonly #speech: Speech;
  readonly #cursor: number;
  readonly #now: number;
  readonly #maxBytes: number;
  #bytes = 0;

  constructor(gate: Gate, facts: TypeFacts | undefined, speech: Speech, cursor: number, now: number, maxBytes: number) {
    this.#gate = gate;
    this.#facts = facts;
    this.#speech = speech;
    this.#cursor = cursor;
    this.#now = now;
    this.#maxBytes = maxBytes;
  }

  consider(name: string, entry: Entry | undefined, mark: Mark | undefined): Verdict {
    const current = entry?.current;
    const has = mark === undefined ? entry?.at(this.#cursor) : mark.has;
    const forced = mark?.forced ?? false;
    const unsure = mark?.unsure ?? false;
    if (mark?.refused !== undefined && mark.refused.version === (current?.version ?? REMOVAL)) {
      // M3: its cluster was sent again, and waits for endpoints: those that it took.
      return forced && has?.bytes !== undefined ? this.#considerSending(name, entry, has, has, mark) : 'refused';
    }
    if (!forced && !unsure && has?.version === current?.version) return 'known';
    if (current !== undefined) return this.#considerSending(name, entry, current, has, mark);
    return this.#considerGone(name, entry, has, mark);
  }

  #considerGone(name: string, entry: Entry | undefined, has: Known | undefined, mark: Mark | undefined): Verdict {
    const forced = mark?.forced ?? false;
    const mayHave = has !== undefined || mark?.unsure === true;
    if (!mayHave && !forced) return 'known';
    // What was never there points at nothing and waits for nothing (R1).
    const wasThere = mayHave || entry?.last !== undefined;
    const mayGo = this.#facts === undefined || !wasThere || this.#gate.mayRemove(this.#facts, entry?.seq ?? 0);
    if (!mayGo) {
      // Who asks for it while it is still pointed at gets it as it last was, in the view before this one too: a cluster may be
      // warming (R5, R6).
      const last = entry?.last ?? (has?.bytes === undefined ? undefined : has);
      if (forced && last !== undefined) return this.#considerSending(name, entry, last, has, mark);
      this.hasHeldRemovals = true;
      return this.#speech.removals ? 'held' : 'known';
    }
    const isTold = mayHave ? this.#speech.removals : this.#speech.missing;
    return isTold ? this.#add(name, undefined, has, mark) : 'known';
  }

  #considerSending(
    name: string,
    entry: Entry | undefined,
    resource: EncodedResource,
    has: Known | undefined,
    mark: Mark | undefined,
  ): Verdict {
    if (this.#gate.mayAdd(resource, mark?.heldSince)) return this.#add(name, resource, has, mark);
    this.heldSeq = Math.min(this.heldSeq ?? Infinity, entry?.seq ?? 0);
    this.heldSince = Math.min(this.heldSince ?? Infinity, mark?.heldSince ?? this.#now);
    return 'held';
  }

  #add(name: string, sent: EncodedResource | undefined, had: Known | undefined, mark: Mark | undefined): Verdict {
    const bytes = sent?.bytes.length ?? name.length;
    if (this.items.size > 0 && this.#bytes + bytes > this.#maxBytes) return 'full';
    this.#bytes += bytes;
    this.items.set(name, { sent, had, mark });
    return 'due';
  }
}
