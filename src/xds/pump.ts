/** Says on a call what its session has to say, as much as goes out at once: the next is made when that has left (F2). */
import type { ServerCall } from '../grpc/call.ts';
import { type Frame, PREFIX_LENGTH } from '../grpc/frame.ts';
import type { StreamInfo, XdsObserver } from './observer.ts';
import type { Session } from './session.ts';
import { deltaFrame, sotwFrame } from './wire.ts';

export interface PumpOptions {
  readonly call: Pick<ServerCall, 'write'>;
  readonly info: StreamInfo;
  /** ms since the epoch */
  readonly now: () => number;
  readonly observer: Pick<XdsObserver, 'responseSent'>;
  /** The session was asked, and what it had to say is on its way, or has left. */
  readonly onPumped: () => void;
}

/** With so many bytes no more responses are made before they have left. */
const TOGETHER = 16 * 1024;

export class Pump {
  readonly #session: Session;
  readonly #options: PumpOptions;
  #writingSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isPumping = false;
  #isClosed = false;

  constructor(session: Session, options: PumpOptions) {
    this.#session = session;
    this.#options = options;
  }

  /** Since when nothing was taken of what is on its way out, in ms; undefined: nothing is. */
  get writingSince(): number | undefined {
    return this.#writingSince;
  }

  pump(): void {
    if (this.#isClosed || this.#isPumping) return;
    const { now, onPumped } = this.#options;
    this.#isPumping = true;
    while (this.#writingSince === undefined && this.#say(now()));
    this.#isPumping = false;
    // What is on its way out asks again when it is gone.
    this.#setTimer(this.#writingSince === undefined ? this.#session.deadline() : undefined, now());
    onPumped();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** @returns whether there was something to say. */
  #say(now: number): boolean {
    let frame = this.#next(now);
    if (frame === undefined) return false;
    // Small ones of several types cost the system once, and the client one look.
    while (frame.length < TOGETHER) {
      const more = this.#next(now);
      if (more === undefined) break;
      frame = { parts: [...frame.parts, ...more.parts], length: frame.length + more.length };
    }
    this.#writingSince = now;
    this.#options.call.write(frame, this.#written, this.#moved);
    return true;
  }

  #next(now: number): Frame | undefined {
    const response = this.#isClosed ? undefined : this.#session.next(now);
    if (response === undefined) return undefined;
    const { observer, info } = this.#options;
    const frame = response.protocol === 'sotw' ? sotwFrame(response) : deltaFrame(response);
    observer.responseSent(response.type ?? response.typeUrl, frame.length - PREFIX_LENGTH, response.resources.length, info);
    return frame;
  }

  readonly #written = (): void => {
    this.#writingSince = undefined;
    this.pump();
  };

  readonly #moved = (): void => {
    this.#writingSince = this.#options.now();
  };

  #setTimer(deadline: number | undefined, now: number): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = deadline === undefined ? undefined : setTimeout(() => this.pump(), Math.max(1, deadline - now)).unref();
  }
}
