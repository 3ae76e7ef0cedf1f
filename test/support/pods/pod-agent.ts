/** What runs inside a pod's network: its apps, and clients that call from there. The other end is `pod-process.ts`. */
import type { IncomingHttpHeaders } from 'node:http';
import { type App, startApp } from '../world/app.ts';
import { type Ask, H2cClient, HttpClient, pathOf, servedBy } from '../world/client.ts';
import { GrpcClient, startGrpcApp } from '../world/grpc.ts';
import { type Load, type LoadReport, type Served, startLoad } from '../world/load.ts';
import { exchange, startTcpApp } from '../world/tcp.ts';
import { openWebSocket } from '../world/web-socket.ts';
import { GREETING, PORTS } from './pod-ports.ts';

export interface Target {
  readonly address: string;
  readonly port: number;
}

export interface Identity {
  readonly service: string;
  readonly copy: string;
  readonly pod: string;
}

/** The answer to a request, as far as tests look at it. */
export interface Told {
  readonly status: number;
  /** The copies on the way; '' where no app answered. */
  readonly path: string;
  readonly servedBy: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What a load's every request is to be answered by. */
export interface ExpectedLoad extends Target {
  readonly rate: number;
  readonly kinds: readonly { readonly name: string; readonly ask: Ask; readonly ways: readonly string[] }[];
}

export interface PlainReport extends Omit<LoadReport, 'served'> {
  readonly served: Readonly<Record<string, number>>;
}

function inUrl(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

async function told(asking: ReturnType<HttpClient['ask']>): Promise<Told> {
  const reply = await asking;
  const path = reply.headers['content-type'] === 'application/json' ? pathOf(reply) : '';
  return { status: reply.status, path, servedBy: servedBy(reply), headers: reply.headers, text: reply.text };
}

let http: App | undefined;
let kept: HttpClient | undefined;
let load: Load | undefined;

export const AGENT = {
  /** Starts the pod's apps, on all of its addresses. @param links what its HTTP app calls, by name */
  async start(identity: Identity, links: Readonly<Record<string, Target>>): Promise<void> {
    const onward = Object.fromEntries(
      Object.entries(links).map(([name, target]) => [name, { ...target, host: name, fresh: true }]),
    );
    const at = { ...identity, address: '::' };
    http = await startApp({ ...at, port: PORTS.http.pod, links: onward });
    await startApp({ ...at, port: PORTS.plain.pod });
    await startApp({ ...at, port: PORTS.h2c.pod, protocol: 'h2c' });
    await startGrpcApp(identity.copy, `[::]:${PORTS.grpc.pod}`);
    await startTcpApp('', PORTS.raw.pod, '::');
    await startTcpApp(GREETING, PORTS.mysql.pod, '::');
  },

  /** Ends as a well-behaved app does: what runs is finished. */
  async drain(): Promise<void> {
    await http?.drain();
  },

  /** What the HTTP app was asked last. */
  async lastAsked(): Promise<IncomingHttpHeaders | undefined> {
    return http?.asked.at(-1)?.headers;
  },

  async ask({ address, port }: Target, what: Ask): Promise<Told> {
    using client = new HttpClient(port, 1, address);
    return await told(client.ask(what));
  },

  /** On the connection of the last time. */
  async askAgain({ address, port }: Target, what: Ask): Promise<Told> {
    kept ??= new HttpClient(port, 1, address);
    return await told(kept.ask(what));
  },

  async askH2c({ address, port }: Target, what: Ask): Promise<Told> {
    using client = new H2cClient(port, inUrl(address));
    return await told(client.ask(what));
  },

  /** @returns the copy that answered. */
  async callGrpc({ address, port }: Target, authority: string, headers: Readonly<Record<string, string>>): Promise<string> {
    using client = new GrpcClient(`${address.includes(':') ? 'ipv6' : 'ipv4'}:${inUrl(address)}:${port}`, authority);
    return (await client.unary({ text: 'hello' }, headers)).copy ?? '';
  },

  /** @returns the copy that answered, and what came back. */
  async webSocket({ address, port }: Target, headers: Readonly<Record<string, string>>): Promise<readonly [string, string]> {
    await using socket = await openWebSocket(port, headers, '/', inUrl(address));
    return [socket.copy, await socket.echo('there and back')];
  },

  /** @returns what was heard, and after how many ms. */
  async exchange(
    { address, port }: Target,
    say: string,
    bytes: number,
  ): Promise<{ readonly heard: string; readonly ms: number }> {
    const started = performance.now();
    const heard = await exchange(port, say, bytes, address);
    return { heard, ms: performance.now() - started };
  },

  async startLoad({ kinds, ...rest }: ExpectedLoad): Promise<void> {
    const judged = kinds.map(({ name, ask, ways }) => ({
      name,
      ask,
      judge: ({ path, reply }: Served) => (ways.includes(path) ? undefined : `went by ${path}: ${reply.text}`),
    }));
    load = startLoad({ ...rest, connections: 4, kinds: judged });
  },

  async stopLoad(): Promise<PlainReport> {
    if (load === undefined) throw new Error('no load was started');
    const { served, ...rest } = await load.stop();
    return { ...rest, served: Object.fromEntries(served) };
  },
};

export type Agent = typeof AGENT;

interface Call {
  readonly id: number;
  readonly name: keyof Agent;
  readonly args: readonly unknown[];
}

process.on('message', async ({ id, name, args }: Call) => {
  try {
    // The other end has checked the types: it calls by this very interface.
    const result = await (AGENT[name] as (...all: readonly unknown[]) => Promise<unknown>)(...args);
    process.send?.({ id, result });
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? error.message : String(error) });
  }
});
process.on('disconnect', () => process.exit());
