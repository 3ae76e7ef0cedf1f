/** How the last streams of a connection ended: what still comes on one of them is late, or wrong. */

/** `reset`: by us, and the client may not know it yet. `ended`: the client had said all, or has reset it. */
export type HowClosed = 'reset' | 'ended';

const MOST = 100;

export class ClosedStreams {
  readonly #how = new Map<number, HowClosed>();

  add(stream: number, how: HowClosed): void {
    this.#how.set(stream, how);
    if (this.#how.size <= MOST) return;
    for (const oldest of this.#how.keys()) {
      this.#how.delete(oldest);
      return;
    }
  }

  /** undefined: nobody knows any more, or it never was. */
  get(stream: number): HowClosed | undefined {
    return this.#how.get(stream);
  }
}
