/** A fake API server with a Lease, Events and workloads, which fails as it is told, and a writer of status on it. */
import type { Logger } from '../../../src/logger.ts';
import type { Problem } from '../../../src/model/problem.ts';
import type { StatusCount } from '../../../src/status/status-writer.ts';
import { StatusWriter } from '../../../src/status/status-writer.ts';
import { FakeApiServer, type Fault, sendStatus } from '../kubernetes/fake-api-server.ts';
import { QUICK } from './status-replica.ts';

type Stored = Readonly<Record<string, unknown>> & { readonly metadata?: Readonly<Record<string, unknown>> };

export class ScriptedCluster implements AsyncDisposable {
  readonly fake: FakeApiServer;
  /** By path. */
  readonly objects = new Map<string, Stored>();
  /** `METHOD resource`, in order. */
  readonly calls: string[] = [];
  readonly warnings: string[] = [];
  readonly counts: StatusCount[] = [];
  /** Asked before every answer. */
  fault: Fault = () => false;
  #problems: readonly Problem[] = [];
  readonly writer: StatusWriter;
  #version = 1;

  constructor(fake: FakeApiServer, timeoutMs: number) {
    this.fake = fake;
    fake.fault = (request, response) => {
      const { method, path, body } = request;
      const isList = path.endsWith('s') && method === 'GET';
      const resource = path.split('/').at(-1) === 'detour' ? 'leases' : (/(\w+s)(\/[^/]+)?$/.exec(path)?.[1] ?? '');
      this.calls.push(`${isList ? 'LIST' : method} ${resource}`);
      if (this.fault({ ...request, resource }, response)) return true;
      void this.#answer(method, path, isList, body).then(([code, object]) => {
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
        lease: { durationMs: 1_500, renewWithinMs: 1_000, retryMs: 50, deniedMs: 100 },
        ledger: { ...QUICK.ledger, settleMs: 20 },
        timeoutMs,
        everyMs: 10,
      },
      now: Date.now,
      log,
      onCount: (count) => this.counts.push(count),
    });
  }

  /** @param timeoutMs of a request: short where the server hangs, else long enough for a machine that is busy */
  static async start({ timeoutMs = 10_000 } = {}): Promise<ScriptedCluster> {
    return new ScriptedCluster(await FakeApiServer.start(), timeoutMs);
  }

  /** What there is to tell from now on. */
  set problems(problems: readonly Problem[]) {
    this.#problems = problems;
    this.writer.objectsChanged([]);
  }

  put(path: string, object: Stored): void {
    this.#version += 1;
    this.objects.set(path, { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } });
  }

  below(path: string): readonly Stored[] {
    return [...this.objects].flatMap(([key, object]) => (key.startsWith(`${path}/`) ? [object] : []));
  }

  countOf(call: string): number {
    return this.calls.filter((each) => each === call).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.writer[Symbol.asyncDispose]();
    await this.fake[Symbol.asyncDispose]();
  }

  async #answer(
    method: string,
    path: string,
    isList: boolean,
    body: () => Promise<unknown>,
  ): Promise<readonly [code: number, object?: unknown]> {
    if (isList) return [200, { metadata: { resourceVersion: '1' }, items: this.below(path) }];
    const there = this.objects.get(path);
    if (method === 'GET') return there === undefined ? [404] : [200, there];
    if (method === 'DELETE') {
      if (there === undefined) return [404];
      const { preconditions } = (await body()) as { preconditions: Record<string, unknown> };
      const isSame = Object.entries(preconditions).every(([name, value]) => there.metadata?.[name] === value);
      if (!isSame) return [409];
      this.objects.delete(path);
      return [200, { kind: 'Status' }];
    }
    // What the code under test sends; it is only stored.
    const object = (await body()) as Stored;
    const target = method === 'POST' ? `${path}/${String(object.metadata?.['name'])}` : path;
    const before = this.objects.get(target);
    if (method === 'POST' && before !== undefined) return [409];
    if (method === 'PUT' && before?.metadata?.['resourceVersion'] !== object.metadata?.['resourceVersion']) return [409];
    this.put(target, object);
    return [201, this.objects.get(target)];
  }
}
