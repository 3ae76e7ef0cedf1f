/** Kept-alive connections to an Envoy of which is known on which of its worker threads each is. */
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';

/** One answer: by the name of the copy, or the status where no app answered. */
export interface WorkerAnswer {
  readonly worker: number;
  readonly copy: string;
  /** When the request was written, by `performance.now()`. */
  readonly sentAt: number;
}

export interface WorkerConnection {
  readonly worker: number;
  ask(host: string, headers: Readonly<Record<string, string>>): Promise<WorkerAnswer>;
  close(): void;
}

/** How many other requests are under way on a shared connection. */
const OTHERS = 4;

/** Many requests at a time over HTTP/2: the worker may read one in the very event that brought it another. */
export class SharedConnection implements WorkerConnection {
  readonly worker: number;
  readonly #session: ClientHttp2Session;

  constructor(socket: Socket, worker: number) {
    this.worker = worker;
    this.#session = connectHttp2('http://127.0.0.1', { createConnection: () => socket });
    this.#session.on('error', () => undefined);
    for (let index = 0; index < OTHERS; index += 1) void this.#goOn();
  }

  async ask(host: string, headers: Readonly<Record<string, string>>): Promise<WorkerAnswer> {
    const sentAt = performance.now();
    const stream = this.#session.request({ ':path': '/', ':authority': host, ...headers });
    stream.on('error', () => undefined).resume();
    const copy = await new Promise<string>((resolve) => {
      let answer = 'broken';
      stream.on('response', (reply) => {
        answer = String(reply['x-app-copy'] ?? reply[':status']);
      });
      stream.on('close', () => resolve(answer));
    });
    return { worker: this.worker, copy, sentAt };
  }

  close(): void {
    this.#session.destroy();
  }

  async #goOn(): Promise<void> {
    while (!this.#session.destroyed) {
      await this.ask('nobody.example.com', {});
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** One request at a time over HTTP/1.1, written in the turn in which it is asked for. */
export class OneByOneConnection implements WorkerConnection {
  readonly worker: number;
  readonly #socket: Socket;
  #received = '';
  #answered: ((copy: string) => void) | undefined;

  constructor(socket: Socket, worker: number) {
    this.worker = worker;
    this.#socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => this.#read(chunk));
    socket.on('error', () => this.#answer('broken'));
    socket.on('close', () => this.#answer('closed'));
  }

  async ask(host: string, headers: Readonly<Record<string, string>>): Promise<WorkerAnswer> {
    if (this.#answered !== undefined) throw new Error('One request at a time.');
    const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    const sentAt = performance.now();
    const copy = await new Promise<string>((resolve) => {
      this.#answered = resolve;
      this.#socket.write(`GET / HTTP/1.1\r\n${lines.join('')}\r\n`);
    });
    return { worker: this.worker, copy, sentAt };
  }

  close(): void {
    this.#socket.destroy();
  }

  #read(chunk: string): void {
    this.#received += chunk;
    const head = this.#received.indexOf('\r\n\r\n');
    if (head < 0) return;
    const length = /^content-length: (\d+)/im.exec(this.#received.slice(0, head))?.[1];
    const isChunked = length === undefined && this.#received.endsWith('0\r\n\r\n');
    if (length === undefined ? !isChunked : this.#received.length < head + 4 + Number(length)) return;
    const status = this.#received.slice(9, 12);
    const copy = /^x-app-copy: (.*)\r$/im.exec(this.#received.slice(0, head + 2))?.[1] ?? status;
    this.#received = '';
    this.#answer(copy);
  }

  #answer(copy: string): void {
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(copy);
  }
}
