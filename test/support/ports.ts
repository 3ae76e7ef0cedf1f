import { createServer, type Server } from 'node:net';

/**
 * Below the ports that systems give to outgoing connections (32768 and up, on Linux and in RFC 6335): one of those could be
 * taken by any client between now and its use.
 */
const LOWEST = 10_000;
const HIGHEST = 32_000;

/** No port is given twice in a row, and test processes beside this one begin elsewhere. */
let next = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));

/** TCP ports on 127.0.0.1 that were free a moment ago, all different. */
export async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  const ports: number[] = [];
  while (ports.length < count) {
    const port = next;
    next = port + 1 < HIGHEST ? port + 1 : LOWEST;
    const server = await listenOn(port);
    if (server === undefined) continue;
    servers.push(server);
    ports.push(port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('one port was asked for');
  return port;
}

/** undefined: somebody else has it. */
function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
