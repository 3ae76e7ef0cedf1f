/**
 * What is known of tokens, for a bounded time and of a bounded number: kept by a hash, for a token that is written down
 * somewhere can be stolen there. No clock: times come in, in ms since the epoch.
 */
import { createHash } from 'node:crypto';
import type { Identity } from './identity.ts';
import type { BadToken } from './token-claims.ts';

export interface BookSize {
  /** A token that was found good is asked about again after so long. */
  readonly goodMs: number;
  /** One that was not. */
  readonly badMs: number;
  readonly most: number;
}

/** A pod that is deleted, and its token with it, is let in for a minute at most. */
export const BOOK_SIZE: BookSize = { goodMs: 60_000, badMs: 10_000, most: 20_000 };

interface Entry {
  readonly answer: Identity | BadToken;
  readonly freshUntil: number;
  readonly expiresAt: number;
}

export class ReviewBook {
  readonly #size: BookSize;
  /** By hash, the oldest first. */
  readonly #entries = new Map<string, Entry>();

  constructor(size: BookSize = BOOK_SIZE) {
    this.#size = size;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** @returns undefined: it has to be asked about. */
  fresh(token: string, now: number): Identity | BadToken | undefined {
    const entry = this.#entries.get(hashOf(token));
    return entry !== undefined && now < Math.min(entry.freshUntil, entry.expiresAt) ? entry.answer : undefined;
  }

  /** While nobody can be asked: who was found good at some time, and whose token has not expired. */
  remembered(token: string, now: number): Identity | undefined {
    const entry = this.#entries.get(hashOf(token));
    return entry !== undefined && 'kind' in entry.answer && now < entry.expiresAt ? entry.answer : undefined;
  }

  /** @param expiresAt of the token */
  note(token: string, answer: Identity | BadToken, expiresAt: number, now: number): void {
    const hash = hashOf(token);
    const freshUntil = now + ('kind' in answer ? this.#size.goodMs : this.#size.badMs);
    this.#entries.delete(hash);
    this.#entries.set(hash, { answer, freshUntil, expiresAt });
    if (this.#entries.size > this.#size.most) this.#shrink(now);
  }

  /** Those that let nobody in go first, then the oldest; some more than needed, so that this is seldom. */
  #shrink(now: number): void {
    for (const [hash, { answer, expiresAt }] of this.#entries)
      if (!('kind' in answer) || now >= expiresAt) this.#entries.delete(hash);
    for (const hash of this.#entries.keys()) {
      if (this.#entries.size <= this.#size.most * 0.9) return;
      this.#entries.delete(hash);
    }
  }
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
