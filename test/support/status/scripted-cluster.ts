/** A fake API server with a Lease, Events and workloads, which fails as it is told, and a writer of status on it. */
import type { Logger } from '../../../src/logger.ts';
import type { Problem } from '../../../src/model/problem.ts';
import type { StatusCount } from '../../../src/status/status-writer.ts';
import { StatusWriter } from '../../../src/status/status-writer.ts';
import { FakeApiServer, type Fault, sendStatus } from '../kubernetes/fake-api-server.ts';
import { StoredObjects } from '../kubernetes/stored-objects.ts';
import { QUICK } from './status-replica.ts';

export class ScriptedCluster implements AsyncDisposable {
  readonly fake: FakeApiServer;
  readonly store = new StoredObjects();
  /** `METHOD resource`, in order. */
  readonly calls: string[] = [];
  readonly warnings: string[] = [];
  readonly counts: StatusCount[] = [];
  /** Asked before every answer. */
  fault: Fault = () => false;
  #problems: readonly Problem[] = [];
  readonly writer: StatusWriter;

  constructor(fake: FakeApiServer, timeoutMs: number, termMs: number) {
    this.fake = fake;
    fake.fault = (request, response) => {
      const { method, path, body } = request;
      const isList = path.endsWith('s') && method === 'GET';
      const resource = path.split('/').at(-1) === 'detour' ? 'leases' : (/(\w+s)(\/[^/]+)?$/.exec(path)?.[1] ?? '');
      this.calls.push(`${isList ? 'LIST' : method} ${resource}`);
      if (this.fault({ ...request, resource }, response)) return true;
      void this.store.answer({ method, path, isList, body }).then(([code, object]) => {
        if (object === undefined) sendStatus(response, code, 'no');
        else response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(object));
      });
      return true;
    };
    const ignore = () => undefined;
    const note = (message: string) => this.warnings.push(message);
    const log: Logger = { debug: ignore, info: ignore, warn: note, error: note };
    this.writer = new StatusWriter({
      access: fake.access,
      view: {
        synced: true,
        problems: () => this.#problems,
        receipt: () => ({ state: 'noProxy', liveSince: undefined, proxies: new Map() }),
      },
      events: true,
      deleteExpired: true,
      leaseNamespace: 'detour-system',
      identity: 'me',
      namespaces: ['shop'],
      times: {
        ...QUICK,
        lease: { durationMs: termMs, renewWithinMs: (termMs * 2) / 3, retryMs: 50, deniedMs: 100 },
        ledger: { ...QUICK.ledger, settleMs: 20 },
        timeoutMs,
        everyMs: 10,
      },
      now: Date.now,
      log,
      onCount: (count) => this.counts.push(count),
    });
  }

  /**
   * @param timeoutMs of a request: short where the server hangs, else long enough for a machine that is busy
   * @param termMs for so long a leader leads that cannot renew, or two thirds of it
   */
  static async start({ timeoutMs = 10_000, termMs = 1_500 } = {}): Promise<ScriptedCluster> {
    return new ScriptedCluster(await FakeApiServer.start(), timeoutMs, termMs);
  }

  /** What there is to tell from now on. */
  set problems(problems: readonly Problem[]) {
    this.#problems = problems;
    this.writer.objectsChanged([]);
  }

  countOf(call: string): number {
    return this.calls.filter((each) => each === call).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer[Symbol.asyncDispose]();
    await this.fake[Symbol.asyncDispose]();
  }
}
