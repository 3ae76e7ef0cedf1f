/** Asks the API server whose a token is. */
import { isFailure } from '../kubernetes/api-client.ts';
import { type ApiSender, callForObject } from '../kubernetes/api-objects.ts';
import type { Identity } from './identity.ts';
import { ReviewBook } from './review-book.ts';
import { AUDIENCE, type BadToken, isBad, readClaims, readReview } from './token-claims.ts';

export interface TokenReviewerOptions {
  readonly sender: ApiSender;
  /** ms since the epoch. */
  readonly now: () => number;
  readonly book?: ReviewBook;
}

export type Reviewed =
  | { readonly identity: Identity; readonly expiresAt: number }
  | BadToken
  /** The API server could not be asked. */
  | { readonly trouble: string };

/** A hanging server must not hold up streams for ever. */
const ANSWER_MS = 10_000;
/** At once: more would only make the API server slower, and its answers are a few milliseconds apart. */
const MOST_AT_ONCE = 32;
/** Who comes when so many wait is told to come again. */
const MOST_WAITING = 2_000;

export class TokenReviewer {
  readonly #options: TokenReviewerOptions;
  readonly #book: ReviewBook;
  /** By token: those who come with one while it is asked about share the answer. */
  readonly #asked = new Map<string, Promise<Reviewed>>();
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  constructor(options: TokenReviewerOptions) {
    this.#options = options;
    this.#book = options.book ?? new ReviewBook();
  }

  async review(token: string): Promise<Reviewed> {
    const now = this.#options.now();
    const claims = readClaims(token, now);
    if (isBad(claims)) return claims;
    const known = this.#book.fresh(token, now);
    if (known !== undefined) return isBad(known) ? known : { identity: known, expiresAt: claims.expiresAt };
    const asked = this.#asked.get(token) ?? this.#ask(token, claims.expiresAt).finally(() => this.#asked.delete(token));
    this.#asked.set(token, asked);
    return asked;
  }

  async #ask(token: string, expiresAt: number): Promise<Reviewed> {
    if (this.#waiting.length >= MOST_WAITING) return { trouble: 'too many tokens wait to be looked at' };
    await this.#turn();
    try {
      const status = await this.#send(token);
      const now = this.#options.now();
      if (typeof status === 'string') {
        const identity = this.#book.remembered(token, now);
        return identity === undefined ? { trouble: status } : { identity, expiresAt };
      }
      const answer = readReview(status.value);
      this.#book.note(token, answer, expiresAt, now);
      return isBad(answer) ? answer : { identity: answer, expiresAt };
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  /** @returns the `status` of the TokenReview, or why there is none. */
  async #send(token: string): Promise<{ readonly value: unknown } | string> {
    const answer = await callForObject(this.#options.sender, {
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      query: {},
      resource: 'tokenreviews (authentication.k8s.io)',
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token, audiences: [AUDIENCE] } },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    if (!isFailure(answer)) return { value: answer['status'] };
    return answer.fix === '' ? answer.reason : `${answer.reason}: ${answer.fix}`;
  }

  /** Whoever is done hands its turn on. */
  async #turn(): Promise<void> {
    if (this.#running < MOST_AT_ONCE) this.#running += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}
