/** Whether the client of a stream may be whom it claims to be, and for how long. What it says meanwhile waits. */
import type { ServerCall } from '../grpc/call.ts';
import type { Proxy } from '../model/proxy.ts';
import type { Pass, Refusal } from './gate.ts';

export class Entrance {
  readonly #call: ServerCall;
  readonly #pass: Pass;
  /** Since it is asked. */
  #held: Buffer[] | undefined;
  #isOpen = false;

  constructor(call: ServerCall, pass: Pass) {
    this.#call = call;
    this.#pass = pass;
  }

  /** It was asked, and the client may be whom it claimed to be. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @returns whether the message waits. */
  holds(message: Buffer): boolean {
    this.#held?.push(Buffer.from(message));
    return this.#held !== undefined;
  }

  /**
   * Nothing more is read until it is known.
   * @param message that claims it, to be looked at again
   * @param hand told of what came meanwhile, in its order, once the client may be whom it claims to be
   * @returns why it may not.
   */
  async ask(proxy: Proxy, message: Buffer, hand: (message: Buffer) => void): Promise<Refusal | undefined> {
    const held = [Buffer.from(message)];
    this.#held = held;
    this.#call.pause();
    const refusal = await this.#pass.admits(proxy);
    this.#held = undefined;
    if (refusal !== undefined) return refusal;
    this.#isOpen = true;
    this.#call.resume();
    // What has not been read comes in a later turn, behind it.
    for (const each of held) hand(each);
    return undefined;
  }

  /** @param now ms @returns how what proved who it is came to prove nothing any more. */
  expiry(now: number): string | undefined {
    const { expiresAt, name } = this.#pass;
    return now < expiresAt ? undefined : `what proved that this is ${name} has expired: come again with what replaces it`;
  }
}
