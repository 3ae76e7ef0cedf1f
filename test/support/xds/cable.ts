/** A connection that can break as networks break: both ends stay open, and nothing comes through any more. It may be slow. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** How often a slow one carries something, in ms. */
const TICK_MS = 10;

export class Cable implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly #ticks: NodeJS.Timeout[] = [];
  /** What has come back through a slow one, in bytes. */
  carried = 0;

  private constructor(port: number, bytesPerSecond: number) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1');
      for (const socket of [near, far]) socket.on('error', () => {});
      near.pipe(far);
      if (bytesPerSecond === Number.POSITIVE_INFINITY) far.pipe(near);
      else this.#trickle(far, near, (bytesPerSecond * TICK_MS) / 1_000);
      this.#sockets.push(near, far);
    });
  }

  /** @param port on this machine, to which it leads @param bytesPerSecond that come back from there */
  static async to(port: number, bytesPerSecond = Number.POSITIVE_INFINITY): Promise<Cable> {
    const cable = new Cable(port, bytesPerSecond);
    await new Promise<void>((resolve) => cable.#server.listen(0, '127.0.0.1', resolve));
    return cable;
  }

  get port(): number {
    // It listens on TCP.
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    for (const tick of this.#ticks) clearInterval(tick);
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const tick of this.#ticks) clearInterval(tick);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #trickle(from: Socket, to: Socket, bytesPerTick: number): void {
    // It is read where somebody listens.
    from.on('readable', () => undefined);
    let due = 0;
    let last = performance.now();
    const carry = (): void => {
      const now = performance.now();
      due = Math.min(due + ((now - last) / TICK_MS) * bytesPerTick, 10 * bytesPerTick);
      last = now;
      for (;;) {
        const length = Math.min(Math.floor(due), from.readableLength);
        const piece: Buffer | null = length > 0 ? from.read(length) : null;
        if (piece === null) return;
        due -= piece.length;
        this.carried += piece.length;
        to.write(piece);
      }
    };
    this.#ticks.push(setInterval(carry, TICK_MS));
  }
}
