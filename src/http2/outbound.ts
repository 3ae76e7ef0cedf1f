/**
 * All that a connection has to say: what is about the connection first, then its streams in turn, as far as the client's
 * windows go. One batch at a time, and the next one when that has left: so a client that takes nothing has no queue.
 */
import { Batch } from './batch.ts';
import type { Buffers } from './buffers.ts';
import { DEFAULT_WINDOW, MAX_FRAME, MAX_WINDOW } from './frame.ts';
import type { Outgoing } from './outgoing.ts';

/** Where bytes go. */
export interface Wire {
  /** @returns whether all of it has left, so that the bytes may change. Else {@link Outbound.flushed} is to be called then. */
  write(pieces: readonly Buffer[]): boolean;
  /** After what was written: nothing more will be. */
  end(): void;
}

/** Of what waits to be said about the connection, in bytes: answers to what a client sends and does not read. */
const MAX_CONTROL = 16 * 1024;
/** With less room than that the next batch is waited for, in bytes. */
const ENOUGH = 2_048;

export class Outbound {
  readonly #wire: Wire;
  readonly #buffers: Buffers;
  readonly #allowance = { window: DEFAULT_WINDOW, maxFrame: MAX_FRAME, owesTable: false };
  #control: Buffer[] = [];
  #controlBytes = 0;
  #line: Outgoing[] = [];
  /** Of whom something is in the batch that is on its way. */
  #leaving: Outgoing[] = [];
  /** Of the batch that is on its way. */
  #flying: Buffer | undefined;
  #isHeld = false;
  #isFlushing = false;
  #isLast = false;
  #isEnded = false;

  constructor(wire: Wire, buffers: Buffers) {
    this.#wire = wire;
    this.#buffers = buffers;
  }

  /** A frame about the connection, or that says nothing on behalf of a stream. @returns false: too many of them wait. */
  control(frame: Buffer): boolean {
    if (this.#isLast) return true;
    this.#control.push(frame);
    this.#controlBytes += frame.length;
    return this.#controlBytes <= MAX_CONTROL;
  }

  /** It has something to say. */
  enqueue(outgoing: Outgoing): void {
    if (outgoing.isInLine || outgoing.isQuiet || this.#isLast) return;
    outgoing.isInLine = true;
    this.#line.push(outgoing);
  }

  /** The client takes more. @returns false: more than there can be. */
  widen(bytes: number): boolean {
    this.#allowance.window += bytes;
    return this.#allowance.window <= MAX_WINDOW;
  }

  /** The longest payload that the client takes. */
  set maxFrame(bytes: number) {
    this.#allowance.maxFrame = Math.min(bytes, MAX_FRAME);
  }

  /** The client remembers fewer headers from now on (RFC 7541, section 4.2). */
  shrinkTable(): void {
    this.#allowance.owesTable = true;
  }

  /** Nothing goes out before {@link release}: what is said meanwhile goes out together. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    this.#isHeld = false;
    this.flush();
  }

  /** After this frame nothing more is said. */
  last(frame: Buffer | undefined): void {
    if (this.#isLast) return;
    this.#line = [];
    if (frame !== undefined) this.#control.push(frame);
    this.#isLast = true;
    this.flush();
  }

  flush(): void {
    if (this.#isHeld || this.#isFlushing || this.#isEnded) return;
    this.#isFlushing = true;
    while (this.#flying === undefined && this.#send()) this.#tellLeft();
    this.#isFlushing = false;
    if (!this.#isLast || this.#flying !== undefined || this.#control.length > 0) return;
    this.#isEnded = true;
    this.#wire.end();
  }

  /** What was on its way has left. */
  flushed(): void {
    if (this.#flying === undefined) return;
    this.#buffers.give(this.#flying);
    this.#flying = undefined;
    this.#tellLeft();
    this.flush();
  }

  /** @returns whether something was sent, and has left. */
  #send(): boolean {
    if (this.#control.length === 0 && this.#line.length === 0) return false;
    const buffer = this.#buffers.take();
    const batch = new Batch(buffer);
    this.#fill(batch);
    const hasLeft = batch.length === 0 || this.#wire.write(batch.pieces());
    if (hasLeft) this.#buffers.give(buffer);
    else this.#flying = buffer;
    return batch.length > 0 && hasLeft;
  }

  #fill(batch: Batch): void {
    if (this.#control.length > 0) {
      // All of it is shorter than a batch.
      for (const frame of this.#control) batch.add(frame);
      this.#control = [];
      this.#controlBytes = 0;
    }
    // Each one once; who comes when there is no room is the first of the next batch.
    for (let count = this.#line.length; count > 0 && batch.room >= ENOUGH; count -= 1) {
      const next = this.#line.shift();
      if (next === undefined) break;
      next.isInLine = false;
      if (next.isClosed) continue;
      const before = batch.length;
      next.fill(batch, this.#allowance);
      if (batch.length > before) this.#leaving.push(next);
      this.enqueue(next);
    }
  }

  #tellLeft(): void {
    if (this.#leaving.length === 0) return;
    const leaving = this.#leaving;
    this.#leaving = [];
    // Without a window nobody gets on.
    if (this.#allowance.window > 0) for (const each of this.#line) each.moved();
    for (const each of leaving) each.left();
  }
}
