/**
 * The part of an API server and a kubelet that forwards ports of pods: WebSockets with the protocol `v4.channel.k8s.io`,
 * over plain HTTP, to addresses that the test gives.
 */
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { WebSocketServer } from 'ws';

export interface ForwardingOptions {
  /** By `namespace/pod`; a pod that is not there is refused with 404. */
  readonly pods: ReadonlyMap<string, { readonly host: string; readonly port: number }>;
  /** Refuses what does not show this token. */
  readonly token: string;
}

export interface ForwardingServer extends AsyncDisposable {
  readonly url: URL;
  /** Of requests that were let through: path and query. */
  readonly asked: readonly string[];
}

const PATH = /^\/api\/v1\/namespaces\/(?<namespace>[^/]+)\/pods\/(?<pod>[^/]+)\/portforward$/;

export async function startForwardingServer({ pods, token }: ForwardingOptions): Promise<ForwardingServer> {
  const asked: string[] = [];
  const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'v4.channel.k8s.io' });
  const server = createServer();
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const refuse = (status: string, reason: string): void => {
      const body = JSON.stringify({ kind: 'Status', reason, message: `${reason}: ${url.pathname}` });
      socket.end(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n${body}`);
    };
    if (request.headers.authorization !== `Bearer ${token}`) return refuse('403 Forbidden', 'Forbidden');
    const { namespace = '', pod = '' } = PATH.exec(url.pathname)?.groups ?? {};
    const to = pods.get(`${namespace}/${pod}`);
    if (to === undefined) return refuse('404 Not Found', 'NotFound');
    asked.push(url.pathname + url.search);
    sockets.handleUpgrade(request, socket, head, (socket) => {
      const port = Buffer.alloc(2);
      port.writeUInt16LE(Number(url.searchParams.get('ports')));
      for (const channel of [0, 1]) socket.send(Buffer.concat([Buffer.of(channel), port]));
      const pod = connect(to.port, to.host);
      pod.on('data', (bytes) => socket.send(Buffer.concat([Buffer.of(0), bytes])));
      pod.on('end', () => socket.close());
      pod.on('error', (error) => socket.send(Buffer.concat([Buffer.of(1), Buffer.from(error.message)])));
      socket.on('message', (frame) => Buffer.isBuffer(frame) && frame[0] === 0 && pod.write(frame.subarray(1)));
      socket.on('close', () => pod.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a port was asked for');
  return {
    url: new URL(`http://127.0.0.1:${address.port}/`),
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
