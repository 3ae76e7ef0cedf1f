/**
 * How many streams may be brought up to date at once (F5). When many Envoys come together, after a restart or a broken
 * network, those first served are complete early, and what waits costs no more than a connection.
 */

export interface AdmissionLimits {
  /** At once; others wait, unread. */
  readonly maxSyncing: number;
  /** Who waits so long, in ms, a fifth more or less, is sent away: its client comes again, after a while of its own choice. */
  readonly waitMs: number;
  /** How many may wait; more are sent away at once. */
  readonly maxWaiting: number;
  /** Whoever is not up to date after so long, in ms, leaves its place to another, and is served on. */
  readonly syncMs: number;
}

/** Those who came together are not sent away together: they would come again together. */
const WAIT_JITTER = 0.2;

/** A stream that has not been read yet. */
export interface Applicant {
  admit(): void;
  /** @param reason for its client */
  sendAway(reason: string): void;
}

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #random: () => number;
  /** Until when, in ms; in the order in which they came. */
  readonly #waiting = new Map<Applicant, number>();
  /** Since when, in ms. */
  readonly #syncing = new Map<Applicant, number>();
  #isOpen = false;

  /** @param random 0 to 1 */
  constructor(limits: AdmissionLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
  }

  /** Nobody waits, and nobody is being brought up to date. */
  get isIdle(): boolean {
    return this.#waiting.size === 0 && this.#syncing.size === 0;
  }

  /** There is something to serve: until then nobody who waits is sent away. @param now ms, as everywhere here */
  open(now: number): void {
    this.#isOpen = true;
    for (const each of this.#waiting.keys()) this.#waiting.set(each, this.#end(now));
    for (const each of this.#syncing.keys()) this.#syncing.set(each, now);
  }

  apply(applicant: Applicant, now: number): void {
    const { maxSyncing, maxWaiting } = this.#limits;
    if (this.#waiting.size === 0 && this.#syncing.size < maxSyncing) return this.#admit(applicant, now);
    if (this.#waiting.size < maxWaiting) this.#waiting.set(applicant, this.#end(now));
    else applicant.sendAway(`${maxWaiting} streams wait to be served: come again later.`);
  }

  /** It is up to date, or gone. */
  done(applicant: Applicant, now: number): void {
    this.#waiting.delete(applicant);
    if (this.#syncing.delete(applicant)) this.#refill(now);
  }

  /** Called now and then. */
  check(now: number): void {
    if (!this.#isOpen) return;
    const { syncMs, maxSyncing } = this.#limits;
    for (const [applicant, since] of this.#syncing) if (now - since >= syncMs) this.#syncing.delete(applicant);
    this.#refill(now);
    for (const [applicant, end] of [...this.#waiting]) {
      if (now < end) continue;
      this.#waiting.delete(applicant);
      applicant.sendAway(`${maxSyncing} streams are being brought up to date, and others wait for it: come again later.`);
    }
  }

  /** When one is sent away that waits from now on. */
  #end(now: number): number {
    return now + this.#limits.waitMs * (1 + WAIT_JITTER * (2 * this.#random() - 1));
  }

  #refill(now: number): void {
    for (const applicant of this.#waiting.keys()) {
      if (this.#syncing.size >= this.#limits.maxSyncing) return;
      this.#waiting.delete(applicant);
      this.#admit(applicant, now);
    }
  }

  #admit(applicant: Applicant, now: number): void {
    this.#syncing.set(applicant, now);
    applicant.admit();
  }
}
