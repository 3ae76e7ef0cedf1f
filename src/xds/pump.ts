/** Says on a call what its session has to say, one response at a time: the next is made when the last has left (F2). */
import type { ServerCall } from '../grpc/call.ts';
import { PREFIX_LENGTH } from '../grpc/frame.ts';
import type { StreamInfo, XdsObserver } from './observer.ts';
import type { Session } from './session.ts';
import { deltaFrame, sotwFrame } from './wire.ts';

export interface PumpOptions {
  readonly call: ServerCall;
  readonly info: StreamInfo;
  /** ms since the epoch */
  readonly now: () => number;
  readonly observer: Pick<XdsObserver, 'responseSent'>;
  /** The session was asked, and what it had to say is on its way, or has left. */
  readonly onPumped: () => void;
}

export class Pump {
  readonly #session: Session;
  readonly #options: PumpOptions;
  #writingSince: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isScheduled = false;
  #isPumping = false;
  #isClosed = false;

  constructor(session: Session, options: PumpOptions) {
    this.#session = session;
    this.#options = options;
  }

  /** Since when a response is on its way out, in ms: there is never more than one. */
  get writingSince(): number | undefined {
    return this.#writingSince;
  }

  /** Once all that came together was read: one answer for all of it (F9). */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.pump();
    });
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
    const response = this.#isClosed ? undefined : this.#session.next(now);
    if (response === undefined) return false;
    const { call, observer, info } = this.#options;
    const frame = response.protocol === 'sotw' ? sotwFrame(response) : deltaFrame(response);
    this.#writingSince = now;
    call.write(frame, this.#written);
    observer.responseSent(response.type ?? response.typeUrl, frame.length - PREFIX_LENGTH, response.resources.length, info);
    return true;
  }

  readonly #written = (): void => {
    this.#writingSince = undefined;
    this.pump();
  };

  #setTimer(deadline: number | undefined, now: number): void {
    if (this.#timer !== undefined) clearTimeout(this.#timer);
    this.#timer = deadline === undefined ? undefined : setTimeout(() => this.pump(), Math.max(1, deadline - now)).unref();
  }
}
