/** The admin endpoint: a table of paths on node:http. Only GET; answers are JSON unless a route says otherwise. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Logger } from '../logger.ts';
import type { SocketAddress } from '../model/proxy.ts';

/** Not by `import`: that evaluates all that it exports, a WebSocket client too, and takes 30 ms of every start. */
const { createServer } = process.getBuiltinModule('node:http');

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface Route {
  readonly summary: string;
  /** @param asker its address, IPv4 as such. */
  readonly answer: (query: URLSearchParams, asker: string) => Answer | Promise<Answer>;
}

/** By path. */
export type Routes = Readonly<Record<string, Route>>;

export function json(value: unknown, status = 200): Answer {
  return { status, type: 'application/json; charset=utf-8', body: `${JSON.stringify(value, undefined, 2)}\n` };
}

export function text(body: string, status = 200): Answer {
  return { status, type: 'text/plain; charset=utf-8', body };
}

/** @param hint what to do instead. */
export function failure(status: number, error: string, hint: string): Answer {
  return json({ error, hint }, status);
}

export class AdminServer implements AsyncDisposable {
  readonly address: SocketAddress;
  readonly #server: Server;

  constructor(server: Server, address: SocketAddress) {
    this.#server = server;
    this.address = address;
  }

  /** Ends connections too: whoever scrapes comes again. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** What those who ask may cost: each holds its answer until it has read it. */
export interface AdminLimits {
  /** At once; more are closed. */
  readonly connections: number;
  /** A connection on which nothing moves is closed, in ms; longer than any answer takes to make. */
  readonly idleMs: number;
}

export const ADMIN_LIMITS: AdminLimits = { connections: 500, idleMs: 30_000 };

/** @throws what node:http says when the address cannot be had. */
export async function startAdminServer(
  listen: SocketAddress,
  routes: Routes,
  log: Logger,
  { connections, idleMs }: AdminLimits = ADMIN_LIMITS,
): Promise<AdminServer> {
  const server = createServer((request, response) => {
    void answer(request, routes, log).then((result) => write(request, response, result));
  });
  server.maxConnections = connections;
  server.setTimeout(idleMs);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(listen.port, listen.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const bound = server.address();
  return new AdminServer(server, {
    host: listen.host,
    port: typeof bound === 'object' && bound !== null ? bound.port : listen.port,
  });
}

async function answer(request: IncomingMessage, routes: Routes, log: Logger): Promise<Answer> {
  // Only path and query matter; a target such as `//x` must not be taken for a host.
  const [path = '', query = ''] = (request.url ?? '/').split(/\?(.*)/s);
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return failure(
      405,
      `${request.method} is not allowed here.`,
      'Everything here is read with GET; to change something, change the objects.',
    );
  if (path === '/')
    return json({ paths: Object.fromEntries(Object.entries(routes).map(([each, { summary }]) => [each, summary])) });
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (route === undefined)
    return failure(404, `There is nothing at ${path.slice(0, 200)}.`, `There is: ${Object.keys(routes).join(', ')}.`);
  try {
    return await route.answer(new URLSearchParams(query), plainAddress(request.socket.remoteAddress ?? ''));
  } catch (error) {
    log.error(`GET ${path} failed`, { err: error, consequence: 'This one answer is missing; traffic is not touched by it.' });
    return failure(500, 'The answer could not be made.', 'This is a bug of Detour; its log says more.');
  }
}

/** A socket that listens on :: has IPv4 in IPv6. */
function plainAddress(address: string): string {
  return /^::ffff:(?<ipv4>\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.groups?.['ipv4'] ?? address;
}

function write(request: IncomingMessage, response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...(status === 405 ? { allow: 'GET, HEAD' } : {}),
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}
