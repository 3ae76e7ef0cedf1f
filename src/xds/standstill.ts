/**
 * A type that waits for its clusters alone is not looked through again before it has moved, or they have. Pure.
 */
export class Standstill {
  #moves = 0;
  #at: { readonly moves: number; readonly clusters: number; readonly seq: number } | undefined;

  /** What the type has, or what is left to say of it, is not what it was. */
  moved(): void {
    this.#moves += 1;
  }

  /**
   * There was nothing to say.
   * @param isWaiting for clusters, and for nothing else
   * @param seq the view's newest change number
   */
  begin(isWaiting: boolean, clusters: Standstill, seq: number): void {
    this.#at = isWaiting ? { moves: this.#moves, clusters: clusters.#moves, seq } : undefined;
  }

  /** Whether there is still nothing to say, unless time has passed. @param seq the view's newest change number */
  holds(clusters: Standstill, seq: number): boolean {
    const at = this.#at;
    return at?.moves === this.#moves && at.clusters === clusters.#moves && at.seq === seq;
  }
}
