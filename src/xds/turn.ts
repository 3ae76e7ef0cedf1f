/** Streams that may have something to say: they are asked together, in a later turn of the event loop. */

export interface Speaker {
  /** There may be something to send. */
  wake(): void;
}

export class Turn {
  readonly #defer: (task: () => void) => void;
  readonly #due = new Set<Speaker>();
  #isSet = false;

  /** @param defer runs it when all that has come was read, in the next turn */
  constructor(defer: (task: () => void) => void) {
    this.#defer = defer;
  }

  /** What it is to be told has changed: the next turn says it (F4). */
  changed(speaker: Speaker): void {
    this.#due.add(speaker);
    if (this.#isSet) return;
    this.#isSet = true;
    this.#defer(this.#run);
  }

  /**
   * It has answered, or asked for something. Others have too: what they say is read first, and what the source said
   * meanwhile is worked out, so that there is one answer for all of it (F9).
   */
  heard(speaker: Speaker): void {
    this.#due.add(speaker);
    if (this.#isSet) return;
    this.#isSet = true;
    this.#defer(() => this.#defer(this.#run));
  }

  /** It has nothing to say any more. */
  forget(speaker: Speaker): void {
    this.#due.delete(speaker);
  }

  readonly #run = (): void => {
    const due = [...this.#due];
    this.#due.clear();
    this.#isSet = false;
    for (const each of due) each.wake();
  };
}
