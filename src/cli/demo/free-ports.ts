/** TCP ports of 127.0.0.1 that nobody listens on. */
import { createServer } from 'node:net';

/** Different ports, as many as `count`; the system chooses them. */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, () => hold(0)));
  return Promise.all(held.map((each) => each.release()));
}

/** The wished port, or another one where it is taken. */
export async function freePort(wished: number): Promise<number> {
  const held = await hold(wished).catch(() => hold(0));
  return held.release();
}

interface Held {
  /** Resolves to the port, which is free again. */
  readonly release: () => Promise<number>;
}

function hold(port: number): Promise<Held> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(port, '127.0.0.1', () => {
      const address = server.address();
      const taken = address === null || typeof address === 'string' ? port : address.port;
      resolve({ release: () => new Promise((done) => server.close(() => done(taken))) });
    });
  });
}
