/** Raw TCP, that is not HTTP: an app that greets or echoes, and one exchange with it. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class TcpApp implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: ReadonlySet<Socket>;

  constructor(server: Server, port: number, sockets: ReadonlySet<Socket>) {
    this.#server = server;
    this.port = port;
    this.#sockets = sockets;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }
}

/** @param greeting sent first, before the client says anything; '' for an app that waits, as most do. */
export async function startTcpApp(greeting = '', port = 0, host = '127.0.0.1'): Promise<TcpApp> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => undefined);
    if (greeting !== '') socket.write(greeting);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return new TcpApp(server, address.port, sockets);
}

/** Sends text, and waits for so many bytes. @param say '' to only listen */
export function exchange(port: number, say: string, bytes: number, host = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let heard = '';
    socket.setEncoding('latin1');
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed after ${JSON.stringify(heard)}`)));
    socket.on('data', (text: string) => {
      heard += text;
      if (heard.length < bytes) return;
      resolve(heard);
      socket.destroy();
    });
    if (say !== '') socket.write(say, 'latin1');
  });
}
