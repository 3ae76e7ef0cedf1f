/** Constant load through a proxy, on kept-alive connections, bounded, with every failure counted and the first few told. */
import { until } from '../until.ts';
import { type Ask, HttpClient, pathOf, type Reply, servedBy } from './client.ts';

/** One kind of request, and the judge of its answers. */
export interface LoadKind {
  readonly name: string;
  readonly ask: Ask;
  /** Says what is wrong with an answer; undefined when nothing is. Times are of `performance.now()`. */
  readonly judge: (served: Served) => string | undefined;
}

export interface Served {
  /** The copies on the way, see {@link pathOf}. */
  readonly path: string;
  readonly servedBy: string | undefined;
  readonly reply: Reply;
  readonly startedAt: number;
  readonly endedAt: number;
}

export interface LoadOptions {
  readonly port: number;
  /** 127.0.0.1 unless told. */
  readonly address?: string;
  /** In turn; they may change meanwhile. */
  readonly kinds: readonly LoadKind[];
  /** Requests per second over all connections; late ones are made up for. */
  readonly rate: number;
  readonly connections: number;
}

export interface LoadReport {
  readonly requests: number;
  readonly failures: number;
  readonly connections: number;
  /** By kind and way, how many were served: proof that the load was what it should have been. */
  readonly served: ReadonlyMap<string, number>;
  /** The first twenty failures, one sentence each. */
  readonly details: readonly string[];
}

export interface Load extends AsyncDisposable {
  readonly requests: number;
  /** Waits until so many requests of each kind that began after the call have ended, well or not: a state was seen by these. */
  more(count: number): Promise<void>;
  /** Ends the load and waits for what is still under way. */
  stop(): Promise<LoadReport>;
}

export function startLoad(options: LoadOptions): Load {
  const { kinds, connections } = options;
  const began = performance.now();
  const served = new Map<string, number>();
  const watches = new Set<{ readonly since: number; readonly ended: Map<LoadKind, number> }>();
  const details: string[] = [];
  let requests = 0;
  let failures = 0;
  let opened = 0;
  let running = true;

  const fail = (kind: LoadKind, startedAt: number, what: string): void => {
    failures++;
    if (details.length < 20) details.push(`${((startedAt - began) / 1000).toFixed(3)} s, ${kind.name}: ${what}`);
  };

  const ask = async (client: HttpClient, kind: LoadKind): Promise<void> => {
    const startedAt = performance.now();
    requests++;
    let reply: Reply;
    try {
      reply = await client.ask(kind.ask);
    } catch (error) {
      fail(kind, startedAt, String(error));
      return;
    }
    if (reply.status !== 200) {
      fail(kind, startedAt, `${reply.status} ${reply.text.slice(0, 200)}`);
      return;
    }
    const path = pathOf(reply);
    const wrong = kind.judge({ path, servedBy: servedBy(reply), reply, startedAt, endedAt: performance.now() });
    if (wrong !== undefined) fail(kind, startedAt, wrong);
    const name = `${kind.name}: ${path}`;
    served.set(name, (served.get(name) ?? 0) + 1);
  };

  const once = async (client: HttpClient, kind: LoadKind): Promise<void> => {
    const startedAt = performance.now();
    await ask(client, kind);
    for (const { since, ended } of watches) if (startedAt >= since) ended.set(kind, (ended.get(kind) ?? 0) + 1);
  };

  const more = async (count: number): Promise<void> => {
    const watch = { since: performance.now(), ended: new Map<LoadKind, number>() };
    watches.add(watch);
    const isSeen = (): boolean => kinds.every((kind) => (watch.ended.get(kind) ?? 0) >= count);
    await until(`${count} more requests of each kind`, isSeen, 30_000);
    watches.delete(watch);
  };

  const connection = async (index: number): Promise<void> => {
    using client = new HttpClient(options.port, 1, options.address);
    const every = (1000 * connections) / options.rate;
    let due = began + (every * index) / connections;
    for (let turn = index; running; turn++, due += every) {
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      const kind = kinds[turn % kinds.length];
      if (kind !== undefined && running) await once(client, kind);
    }
    opened += client.connections;
  };

  const all = Promise.all(Array.from({ length: connections }, (_, index) => connection(index)));
  const stop = async (): Promise<LoadReport> => {
    running = false;
    await all;
    return { requests, failures, connections: opened, served, details };
  };
  return {
    get requests() {
      return requests;
    },
    more,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
    },
  };
}
