/** Ways into a shop, each under load, and what is right for an answer: see shop.ts. */
import type { Ledger } from '../world/ledger.ts';
import { type Load, type LoadKind, type LoadReport, startLoad } from '../world/load.ts';
import { hostOf, type ShopService } from './shop.ts';

export interface Entry {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly host: string;
  readonly path: string;
  /** The services on the way. */
  readonly way: readonly ShopService[];
}

/** By a gateway to each service, and straight to the api's ClusterIP, where its sidecar decides. */
export function entriesOf(namespace: string, gateways: readonly string[], api: string): readonly Entry[] {
  return [
    ...gateways.flatMap((address, index): readonly Entry[] => [
      {
        ...{ name: `gateway ${index} to the frontend`, address, port: 8080 },
        ...{ host: hostOf('frontend', namespace), path: '/api/', way: ['frontend', 'api'] },
      },
      {
        ...{ name: `gateway ${index} to the api`, address, port: 8080 },
        ...{ host: hostOf('api', namespace), path: '/', way: ['api'] },
      },
    ]),
    { name: 'the api itself', address: api, port: 80, host: 'api', path: '/', way: ['api'] },
  ];
}

/** Requests without a key go by baselines only. */
export function unkeyed({ name, host, path, way }: Entry): LoadKind {
  const right = way.map(() => 'baseline').join(' > ');
  return {
    name: `${name}, no key`,
    ask: { host, path },
    judge: ({ path: went }) => (went === right ? undefined : `went by ${went}`),
  };
}

/** Requests with a key go to a copy of one service that the ledger allows, and to the baselines of all others. */
export function keyed({ name, host, path, way }: Entry, key: string, service: ShopService, ledger: Ledger): LoadKind {
  return {
    name: `${name}, ${key}`,
    ask: { host, path, headers: { baggage: `detour=${key}` } },
    judge: ({ path: went, reply, startedAt, endedAt }) => {
      const copies = went.split(' > ');
      if (copies.length !== way.length) return `went by ${went}: ${reply.status} ${reply.text.slice(0, 300)}`;
      for (const [hop, at] of way.entries()) {
        const copy = copies[hop] ?? '';
        const wrong =
          at === service ? ledger.judge(copy, startedAt, endedAt) : copy === 'baseline' ? undefined : `${at} was ${copy}`;
        if (wrong !== undefined) return `went by ${went}: ${wrong}`;
      }
      return undefined;
    },
  };
}

/** Load on all entries, on kept-alive connections. */
export class EntriesLoad implements AsyncDisposable {
  readonly #entries: readonly Entry[];
  readonly #loads: readonly { readonly entry: Entry; readonly kinds: LoadKind[]; readonly load: Load }[];

  /** @param rate requests per second at each */
  constructor(entries: readonly Entry[], rate: number) {
    this.#entries = entries;
    this.#loads = entries.map((entry) => {
      const kinds = [unkeyed(entry)];
      const { port, address } = entry;
      return { entry, kinds, load: startLoad({ port, address, rate, connections: 2, kinds }) };
    });
  }

  get requests(): number {
    return this.#loads.reduce((sum, { load }) => sum + load.requests, 0);
  }

  /** From now on requests with the key are among the others, until it is disposed of. */
  addKey(key: string, service: ShopService, ledger: Ledger): Disposable {
    const added = this.#loads.flatMap(({ entry, kinds }) => {
      if (!entry.way.includes(service)) return [];
      const kind = keyed(entry, key, service, ledger);
      kinds.push(kind);
      return [{ kinds, kind }];
    });
    return {
      [Symbol.dispose]: () => {
        for (const { kinds, kind } of added) kinds.splice(kinds.indexOf(kind), 1);
      },
    };
  }

  async stop(): Promise<readonly LoadReport[]> {
    return Promise.all(this.#loads.map(({ load }) => load.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }
}
