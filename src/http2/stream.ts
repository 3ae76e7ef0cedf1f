/** One stream, as the server's end of it. What it says is put in line; what comes waits until it is read. */
import type { ErrorCode } from './error-code.ts';
import { MAX_WINDOW, numberFrame, TYPE } from './frame.ts';
import { Outgoing } from './outgoing.ts';

/** What comes on a stream, told to whoever answers it. */
export interface StreamHandler {
  /** The bytes are lent: whoever keeps them copies them. */
  data(bytes: Buffer): void;
  /** The client has said all that it has to say. */
  ended(): void;
  /** Nothing is told, and nothing can be said any more: all is said, or either side has reset it, or the connection is over. */
  closed(): void;
}

/** Of its connection. */
export interface StreamOwner {
  /** So many bytes that came are used up. */
  consumed(bytes: number): void;
  control(frame: Buffer): void;
  /** It has something to say. */
  say(outgoing: Outgoing): void;
  /** The client takes more of it. */
  goOn(outgoing: Outgoing): void;
  flush(): void;
  reset(stream: Http2Stream, code: ErrorCode): void;
  ended(stream: Http2Stream): void;
}

/** How much a client may send before it is read, in bytes. */
export interface Windows {
  readonly initial: number;
  /** Once it has been read. */
  readonly read: number;
}

const NOTHING = Buffer.alloc(0);

export class Http2Stream {
  readonly outgoing: Outgoing;
  readonly #owner: StreamOwner;
  readonly #windows: Windows;
  #handler: StreamHandler | undefined;
  /** How much the client may send, of how much it was given at first. */
  #window: number;
  #size: number;
  /** What has come and was not read, `#heldLength` bytes of it. */
  #held = NOTHING;
  #heldLength = 0;
  /** What the body must still have, by its own word. */
  #expected: number | undefined;
  #isReading = false;
  /** What is held is about to be told. */
  #isDue = false;
  #isEndTold = false;
  #hasEnded = false;
  #hasResponded = false;

  constructor(id: number, owner: StreamOwner, windows: Windows, sendWindow: number, expected: number | undefined) {
    this.#owner = owner;
    this.#windows = windows;
    this.#window = windows.initial;
    this.#size = windows.initial;
    this.#expected = expected;
    this.outgoing = new Outgoing(id, sendWindow, () => owner.ended(this));
  }

  get id(): number {
    return this.outgoing.id;
  }

  get isClosed(): boolean {
    return this.outgoing.isClosed;
  }

  /** Whether the client has said all that it has to say. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get hasResponded(): boolean {
    return this.#hasResponded;
  }

  /** @param handler told from now on; of what comes, once it is read */
  start(handler: StreamHandler): void {
    this.#handler = handler;
  }

  /** What comes is told from now on, what has come too; nothing before this has returned. */
  read(): void {
    if (this.#isReading || this.isClosed) return;
    this.#isReading = true;
    if (this.#isDue || (this.#heldLength === 0 && !this.#hasEnded)) return;
    this.#isDue = true;
    queueMicrotask(() => this.#deliver());
  }

  /** What comes waits, until {@link read}. */
  pause(): void {
    this.#isReading = false;
  }

  /** @param block encoded headers; nothing else may have been said */
  respond(block: Buffer): void {
    this.#hasResponded = true;
    this.outgoing.begin(block);
  }

  /**
   * @param parts that must not change until then
   * @param length of all of them
   * @param done once they have left
   * @param moved whenever the client, or the way to it, takes some of them
   */
  write(parts: readonly Buffer[], length: number, done: () => void, moved?: () => void): void {
    this.outgoing.message(parts, length, done, moved);
    this.#owner.say(this.outgoing);
  }

  /** After what was written: nothing more is said, and what the client still has to say is not read. */
  end(block: Buffer): void {
    this.outgoing.end(block, !this.#hasEnded);
    this.#owner.say(this.outgoing);
  }

  /** At once, whatever was written. */
  reset(code: ErrorCode): void {
    if (!this.isClosed) this.#owner.reset(this, code);
  }

  /** The rest is for its connection. @returns whether the client may send so much, of which so much is of the body. */
  expect(length: number, body: number): 'window' | 'length' | undefined {
    if (length > this.#window) return 'window';
    this.#window -= length;
    if (this.#expected === undefined) return undefined;
    this.#expected -= body;
    return this.#expected < 0 ? 'length' : undefined;
  }

  receive(bytes: Buffer): void {
    if (this.isClosed) this.#owner.consumed(bytes.length);
    else if (this.#isReading && !this.#isDue) this.#tell(bytes);
    else this.#hold(bytes);
  }

  /** So much of what came was no part of the body. */
  pad(bytes: number): void {
    this.#consumed(bytes);
  }

  /** @returns false: it has said that there would be more. */
  receiveEnd(): boolean {
    this.#hasEnded = true;
    if (this.#expected !== undefined && this.#expected > 0) return false;
    if (this.#isReading && !this.#isDue) this.#tellEnd();
    return true;
  }

  /** @returns false: the client takes more than there can be. */
  widen(bytes: number): boolean {
    const { outgoing } = this;
    outgoing.window += bytes;
    if (outgoing.window > MAX_WINDOW) return false;
    this.#owner.goOn(outgoing);
    return true;
  }

  close(): void {
    this.outgoing.close();
    if (this.#heldLength > 0) this.#owner.consumed(this.#heldLength);
    this.#held = NOTHING;
    this.#heldLength = 0;
    const handler = this.#handler;
    this.#handler = undefined;
    handler?.closed();
  }

  #deliver(): void {
    this.#isDue = false;
    if (!this.#isReading || this.isClosed) return;
    if (this.#heldLength > 0) {
      const held = this.#held.subarray(0, this.#heldLength);
      this.#held = NOTHING;
      this.#heldLength = 0;
      this.#tell(held);
    }
    if (this.#hasEnded && this.#isReading) this.#tellEnd();
    this.#owner.flush();
  }

  #tellEnd(): void {
    if (this.#isEndTold || this.isClosed) return;
    this.#isEndTold = true;
    this.#handler?.ended();
  }

  #tell(bytes: Buffer): void {
    this.#handler?.data(bytes);
    this.#consumed(bytes.length);
  }

  /** Half of a window is given back at a time, and the first time the window grows. */
  #consumed(bytes: number): void {
    this.#owner.consumed(bytes);
    if (this.isClosed || this.#hasEnded || this.#window > this.#size / 2) return;
    this.#size = this.#windows.read;
    const more = this.#size - this.#window - this.#heldLength;
    this.#window += more;
    this.#owner.control(numberFrame(TYPE.windowUpdate, this.id, more));
  }

  /** Together, so that what comes byte by byte takes no more than it has. */
  #hold(bytes: Buffer): void {
    const length = this.#heldLength + bytes.length;
    if (length > this.#held.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, Math.min(2 * length, this.#windows.read)));
      this.#held.copy(larger, 0, 0, this.#heldLength);
      this.#held = larger;
    }
    bytes.copy(this.#held, this.#heldLength);
    this.#heldLength = length;
  }
}
