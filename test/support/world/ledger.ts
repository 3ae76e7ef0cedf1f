/**
 * Which copies may answer, and when. A copy (or a way of several) is allowed from the moment before it is announced until the moment after
 * every Envoy has said that it is no longer in use.
 */
interface Allowance {
  readonly copy: string;
  readonly from: number;
  until: number;
}

export class Ledger {
  readonly #allowances: Allowance[] = [];

  /** Call it before the change is written. */
  allow(copy: string, now = performance.now()): void {
    this.#allowances.push({ copy, from: now, until: Number.POSITIVE_INFINITY });
  }

  /** Call it after the receipt of the change. */
  forbid(copy: string, now = performance.now()): void {
    for (const each of this.#allowances) if (each.copy === copy && each.until > now) each.until = now;
  }

  /** undefined when the copy was allowed at some moment between the request's start and end. */
  judge(copy: string, startedAt: number, endedAt: number): string | undefined {
    // Newest first: it is nearly always one of the last.
    const fits = this.#allowances.findLast((each) => each.copy === copy && each.from <= endedAt && each.until >= startedAt);
    if (fits !== undefined) return undefined;
    const last = this.#allowances.findLast((each) => each.copy === copy);
    const when = last === undefined ? 'never allowed' : `allowed until ${(startedAt - last.until).toFixed(0)} ms before`;
    return `served by ${copy}, which was ${when}`;
  }
}
