/** What was sent of one type on one stream, and what became of it: one response waits for its answer at a time (F1). Pure. */
import type { History, Nack } from './history.ts';
import type { Item } from './pass.ts';

export interface InFlight {
  readonly nonce: string;
  /** Of the whole type, as the response said. */
  readonly version: string;
  readonly items: ReadonlyMap<string, Item>;
  /** The cursor before it. */
  readonly from: number;
  /** Whether it is what follows `from`, and no removal. */
  readonly isShared: boolean;
}

/** How the nonce of a request stands to what was sent. */
export type NonceState = 'none' | 'inFlight' | 'done' | 'stale';

export class Exchange {
  #inFlight: InFlight | undefined;
  #lastNonce: string | undefined;
  #sentVersion = '';
  #ackedVersion = '';
  #lastNack: Nack | undefined;

  get inFlight(): InFlight | undefined {
    return this.#inFlight;
  }

  /** Versions of the newest response and of the newest accepted one, and a refusal that came after that. */
  get history(): History {
    return { sent: this.#sentVersion, acked: this.#ackedVersion, nack: this.#lastNack };
  }

  nonceState(nonce: string): NonceState {
    // N2: a nonce means something only where a response of this stream had it.
    if (nonce === '' || this.#lastNonce === undefined) return 'none';
    if (nonce === this.#inFlight?.nonce) return 'inFlight';
    return nonce === this.#lastNonce ? 'done' : 'stale';
  }

  send(response: InFlight): void {
    this.#lastNonce = response.nonce;
    this.#sentVersion = response.version;
    this.#inFlight = response;
  }

  /** @returns the response that is accepted by this. */
  accept(): InFlight | undefined {
    const done = this.#inFlight;
    this.#inFlight = undefined;
    this.#ackedVersion = done?.version ?? this.#ackedVersion;
    this.#lastNack = undefined;
    return done;
  }

  /** @param now ms @returns the response that is refused by this. */
  refuse(error: string, now: number): InFlight | undefined {
    const refused = this.#inFlight;
    this.#inFlight = undefined;
    if (refused !== undefined) this.#lastNack = { error, at: now, names: [...refused.items.keys()] };
    return refused;
  }

  /** The view is another one now. @param seq its newest change number */
  rebase(seq: number): void {
    if (this.#inFlight !== undefined) this.#inFlight = { ...this.#inFlight, from: seq - 1, isShared: false };
  }
}
