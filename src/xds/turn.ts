/** Streams that may have something to say: they are asked together, in a later turn of the event loop. */

export interface Speaker {
  /** There may be something to send. */
  wake(): void;
}

export class Turn {
  readonly #defer: (task: () => void) => void;
  readonly #due = new Set<Speaker>();
  #isSet = false;
  /** Whether streams have said something that came in this turn. */
  #hasHeard = false;
  #isPutOff = false;

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

  /** It has answered, or asked for something. */
  heard(speaker: Speaker): void {
    this.#hasHeard = true;
    this.changed(speaker);
  }

  /** It has nothing to say any more. */
  forget(speaker: Speaker): void {
    this.#due.delete(speaker);
  }

  readonly #run = (): void => {
    const hasHeard = this.#hasHeard;
    this.#hasHeard = false;
    // Others speak at the same time, and so does the source: what that changes may be worked out after this. One answer
    // for all of it is made a turn later (F9), and never later than that.
    if (hasHeard && !this.#isPutOff) {
      this.#isPutOff = true;
      this.#defer(this.#run);
      return;
    }
    const due = [...this.#due];
    this.#due.clear();
    this.#isSet = false;
    this.#isPutOff = false;
    for (const each of due) each.wake();
  };
}
