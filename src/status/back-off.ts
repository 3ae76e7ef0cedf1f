/** Between attempts that fail: full jitter, up to a bound that doubles with each failure in a row. */
export interface BackOff {
  /** ms */
  readonly first: number;
  readonly longest: number;
}

/** ms. @param failures in a row, 1 at least; `random`: 0 to 1. */
export function pauseAfter(
  failures: number,
  { first, longest }: BackOff,
  { retryAfterMs, random }: { readonly retryAfterMs: number; readonly random: number },
): number {
  const bound = Math.min(longest, first * 2 ** Math.min(failures - 1, 30));
  return Math.min(retryAfterMs, longest) + Math.round(bound * (0.5 + random / 2));
}
