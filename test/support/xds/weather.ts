/** A network between an Envoy and its control plane that is slow, stands still, or breaks, as a test says. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** `up`: from the Envoy. */
export type Direction = 'up' | 'down';

export class Weather implements AsyncDisposable {
  readonly #server: Server;
  readonly #lanes = new Set<Lane>();
  /** Asked for each piece, in ms. */
  readonly #delays: Record<Direction, () => number> = { up: () => 0, down: () => 0 };
  /** How many bytes still pass. */
  readonly #passes: Record<Direction, number> = { up: Infinity, down: Infinity };
  connections = 0;

  private constructor(port: number) {
    this.#server = createServer((near) => {
      this.connections += 1;
      const far = connect(port, '127.0.0.1');
      for (const [direction, from, to] of [['up', near, far] as const, ['down', far, near] as const]) {
        const lane = new Lane(from, to, {
          delay: () => this.#delays[direction](),
          take: (bytes) => {
            const taken = Math.min(bytes, this.#passes[direction]);
            this.#passes[direction] -= taken;
            return taken;
          },
        });
        this.#lanes.add(lane);
        from.on('close', () => this.#lanes.delete(lane));
      }
    });
  }

  /** @param port on this machine, to which it leads */
  static async to(port: number): Promise<Weather> {
    const weather = new Weather(port);
    await new Promise<void>((resolve) => weather.#server.listen(0, '127.0.0.1', resolve));
    return weather;
  }

  get port(): number {
    // It listens on TCP.
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on, each piece takes so long, in ms. */
  delay(direction: Direction, ms: () => number): void {
    this.#delays[direction] = ms;
  }

  /** Nothing passes any more, but for so many bytes, until {@link resume}. */
  hold(direction: Direction, bytes = 0): void {
    this.#passes[direction] = bytes;
  }

  resume(): void {
    this.#passes.up = Infinity;
    this.#passes.down = Infinity;
    for (const lane of this.#lanes) lane.flow();
  }

  /** All connections break, and what was on its way is lost; new ones are taken. */
  cut(): void {
    for (const lane of this.#lanes) lane.break();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

interface Rules {
  readonly delay: () => number;
  /** @returns how many of so many bytes may pass now */
  readonly take: (bytes: number) => number;
}

/** One direction of a connection. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #rules: Rules;
  readonly #waiting: { readonly piece: Buffer; readonly dueAt: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, rules: Rules) {
    this.#from = from;
    this.#to = to;
    this.#rules = rules;
    from.setNoDelay(true);
    from.on('error', () => undefined);
    from.on('data', (piece: Buffer) => {
      this.#waiting.push({ piece, dueAt: performance.now() + rules.delay() });
      this.flow();
    });
    from.on('close', () => {
      clearTimeout(this.#timer);
      to.destroy();
    });
  }

  /** What is due goes on, in its order. */
  flow(): void {
    clearTimeout(this.#timer);
    for (let first = this.#waiting[0]; first !== undefined; first = this.#waiting[0]) {
      const wait = first.dueAt - performance.now();
      if (wait > 0) {
        this.#timer = setTimeout(() => this.flow(), wait);
        return;
      }
      const { piece, dueAt } = first;
      const taken = this.#rules.take(piece.length);
      if (taken > 0) this.#to.write(piece.subarray(0, taken));
      if (taken < piece.length) {
        this.#waiting[0] = { piece: piece.subarray(taken), dueAt };
        return;
      }
      this.#waiting.shift();
    }
  }

  break(): void {
    this.#from.destroy();
    this.#to.destroy();
  }
}
