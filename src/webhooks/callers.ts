/** Who may call the webhooks: everybody, or those that show a certificate of an authority that is named. */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';

export class Callers {
  readonly #isOpen: boolean;
  #admitted = new WeakSet<Socket>();

  /** @param isOpen nobody is asked. */
  constructor(isOpen: boolean) {
    this.#isOpen = isOpen;
  }

  /** A connection whose handshake is over. */
  met(socket: TLSSocket): void {
    if (socket.authorized && socket.getPeerX509Certificate() !== undefined) this.#admitted.add(socket);
  }

  /** There are other authorities: whoever was admitted by those before has to come again. */
  forget(): void {
    this.#admitted = new WeakSet();
  }

  admits(socket: Socket): boolean {
    return this.#isOpen || this.#admitted.has(socket);
  }
}

/** Why a connection is not admitted, to be read after "it" or "this one". */
export function strangeness(socket: Socket): string {
  if (!(socket instanceof TLSSocket) || socket.getPeerX509Certificate() === undefined) return 'shows no certificate';
  if (socket.authorized) return 'was admitted by authorities that count no longer';
  return `shows a certificate that does not count: ${socket.authorizationError}`;
}
