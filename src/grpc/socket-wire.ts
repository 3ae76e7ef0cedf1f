/** The bytes of a connection to its socket. */
import type { Socket } from 'node:net';
import type { Wire } from '../http2/outbound.ts';

export class SocketWire implements Wire {
  readonly #socket: Socket;
  readonly #onFlushed: (hadToWait: boolean) => void;
  readonly #lingerMs: number;
  #isWaiting = false;
  /** With TLS all that is written leaves a turn later. What is there after that waits for the client. */
  #turn: NodeJS.Immediate | undefined;

  /**
   * @param onFlushed what was written, and did not leave at once, has left; `hadToWait`: for the client, or the way to it
   * @param lingerMs so long a client has to take the last of it, and to end its side too
   */
  constructor(socket: Socket, onFlushed: (hadToWait: boolean) => void, lingerMs: number) {
    this.#socket = socket;
    this.#onFlushed = onFlushed;
    this.#lingerMs = lingerMs;
  }

  write(pieces: readonly Buffer[]): boolean {
    const socket = this.#socket;
    if (!socket.writable) return true;
    const [first] = pieces;
    if (pieces.length === 1 && first !== undefined) socket.write(first, this.#left);
    else this.#writeAll(pieces);
    this.#isWaiting = socket.writableLength > 0;
    if (this.#isWaiting) {
      this.#turn = setImmediate(() => {
        this.#turn = undefined;
      });
    }
    return !this.#isWaiting;
  }

  #writeAll(pieces: readonly Buffer[]): void {
    const socket = this.#socket;
    socket.cork();
    const last = pieces.length - 1;
    for (const [index, piece] of pieces.entries()) {
      if (index < last) socket.write(piece);
      else socket.write(piece, this.#left);
    }
    socket.uncork();
  }

  end(): void {
    const socket = this.#socket;
    if (socket.destroyed) return;
    socket.end();
    const timer = setTimeout(() => socket.destroy(), this.#lingerMs).unref();
    socket.once('close', () => clearTimeout(timer));
  }

  readonly #left = (): void => {
    // Of one that had left at once it is told too, later.
    if (!this.#isWaiting || this.#socket.writableLength > 0) return;
    this.#isWaiting = false;
    const hadToWait = this.#turn === undefined;
    clearImmediate(this.#turn);
    this.#onFlushed(hadToWait);
  };
}
