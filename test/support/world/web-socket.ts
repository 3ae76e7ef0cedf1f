/** A WebSocket to an {@link App}, through a proxy. */
import { once } from 'node:events';
import { WebSocket } from 'ws';

export interface TestSocket extends AsyncDisposable {
  /** The copy that answered. */
  readonly copy: string;
  readonly status: number;
  echo(text: string): Promise<string>;
}

/** Rejects with the status of the answer when the upgrade is refused. */
export async function openWebSocket(
  port: number,
  headers: Readonly<Record<string, string>>,
  path = '/',
  host = '127.0.0.1',
): Promise<TestSocket> {
  const socket = new WebSocket(`ws://${host}:${port}${path}`, { headers, perMessageDeflate: false });
  const message = async (): Promise<string> => {
    const [data] = (await once(socket, 'message')) as [Buffer];
    return data.toString('utf8');
  };
  let status = 0;
  socket.once('upgrade', (response) => {
    status = response.statusCode ?? 0;
  });
  // The app says who it is as soon as it is connected.
  const hello = JSON.parse(await message()) as { readonly copy: string };
  return {
    copy: hello.copy,
    status,
    async echo(text) {
      const reply = message();
      socket.send(text);
      return await reply;
    },
    async [Symbol.asyncDispose]() {
      if (socket.readyState === WebSocket.CLOSED) return;
      const closed = once(socket, 'close');
      socket.terminate();
      await closed;
    },
  };
}
