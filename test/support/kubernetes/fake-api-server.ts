/**
 * A server that lists and watches as an API server does, and fails as one cannot be made to: over plain HTTP, for the
 * faults only. What a real one does is tested with a real one.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import type { Access } from '../../../src/kubernetes/access.ts';

export interface FakeObject {
  readonly metadata: { readonly namespace: string; readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  /** Of a request that has one. */
  readonly body: () => Promise<unknown>;
  readonly resource: string;
  readonly watch: boolean;
  readonly query: URLSearchParams;
  /** The answer may be gzip. */
  readonly zipped: boolean;
}

/** @returns true: it has answered, or means not to. */
export type Fault = (request: FakeRequest, response: ServerResponse) => boolean;

interface Happening {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly resource: string;
  readonly object: FakeObject;
}

interface OpenWatch {
  readonly resource: string;
  readonly response: ServerResponse;
}

export class FakeApiServer implements AsyncDisposable {
  readonly requests: FakeRequest[] = [];
  /** Asked before every answer. */
  fault: Fault = () => false;
  /** Called before a page after the first one is answered. */
  onNextPage: () => void = () => undefined;
  #server: Server;
  #port = 0;
  #version = 100;
  #oldest = 0;
  #epoch = 0;
  readonly #objects = new Map<string, Map<string, FakeObject>>();
  #history: Happening[] = [];
  /** What lists in pages go on with, by the version at which they began. */
  readonly #snapshots = new Map<number, readonly FakeObject[]>();
  readonly #watches = new Set<OpenWatch>();

  constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<FakeApiServer> {
    const fake = new FakeApiServer();
    await fake.listen();
    return fake;
  }

  async listen(): Promise<void> {
    this.#server = createServer((request, response) => this.#answer(request, response));
    await new Promise<void>((resolve) => this.#server.listen(this.#port, '127.0.0.1', resolve));
    // A listening TCP server has an address of this type.
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Breaks all connections, and takes none until `listen`. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  get access(): Access {
    const server = new URL(`http://127.0.0.1:${this.#port}`);
    const rest = { ca: undefined, certificate: undefined, key: undefined, serverName: undefined, isInsecure: false };
    return { name: 'fake', connect: async () => ({ server, token: 'secret', ...rest }), forget: () => undefined };
  }

  put(resource: string, object: FakeObject): void {
    const name = nameOf(object);
    const objects = this.#objects.get(resource) ?? new Map();
    this.#objects.set(resource, objects);
    const type = objects.has(name) ? 'MODIFIED' : 'ADDED';
    objects.set(name, object);
    this.#tell(resource, type, object);
  }

  remove(resource: string, namespace: string, name: string): void {
    const object = this.#objects.get(resource)?.get(`${namespace}/${name}`);
    if (object === undefined) throw new Error(`no ${resource} ${namespace}/${name}`);
    this.#objects.get(resource)?.delete(`${namespace}/${name}`);
    this.#tell(resource, 'DELETED', object);
  }

  /** All versions, and page tokens, until now are too old. */
  compact(): void {
    this.#oldest = this.#version;
    this.#epoch += 1;
    this.#history = [];
  }

  /** Versions begin anew, and nothing of before is there: another etcd. */
  wipe(): void {
    this.compact();
    this.#version = 1;
    this.#oldest = 0;
    this.#objects.clear();
  }

  /** Into all open watches of it, as it is. */
  sendRaw(resource: string, text: string | Buffer): void {
    for (const watch of this.#watches) if (watch.resource === resource) watch.response.write(text);
  }

  /** @param how `end`: as the server ends a watch in time; `reset`: as a network does. */
  breakWatches(resource: string, how: 'end' | 'reset'): void {
    for (const watch of this.#watches) {
      if (watch.resource !== resource) continue;
      this.#watches.delete(watch);
      if (how === 'end') watch.response.end();
      else watch.response.destroy();
    }
  }

  /** From now on these watches get nothing, and stay open. */
  deafen(resource: string): void {
    for (const watch of this.#watches) if (watch.resource === resource) this.#watches.delete(watch);
  }

  openWatches(resource: string): number {
    return [...this.#watches].filter((watch) => watch.resource === resource).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.close();
  }

  #tell(resource: string, type: Happening['type'], object: FakeObject): void {
    this.#version += 1;
    const happening = { version: this.#version, type, resource, object };
    this.#history.push(happening);
    this.sendRaw(resource, eventLine(happening));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://fake');
    const resource = url.pathname.split('/').at(-1) ?? '';
    const query = url.searchParams;
    const { method = 'GET' } = request;
    const body = () => json(request);
    const zipped = request.headers['accept-encoding'] === 'gzip';
    const fakeRequest = { method, path: url.pathname, body, resource, watch: query.get('watch') === 'true', query, zipped };
    this.requests.push(fakeRequest);
    if (this.fault(fakeRequest, response)) return;
    if (fakeRequest.watch) this.#watch(resource, Number(query.get('resourceVersion')), response);
    else this.#list(fakeRequest, response);
  }

  #list({ resource, query, zipped }: FakeRequest, response: ServerResponse): void {
    const next = query.get('continue');
    const [epoch, version = 0, offset = 0] = (next ?? `${this.#epoch}:${this.#version}:0`).split(':').map(Number);
    if (next !== null) this.onNextPage();
    if (epoch !== this.#epoch) return sendStatus(response, 410, 'The provided continue parameter is too old');
    const limit = Number(query.get('limit'));
    // All pages are of one moment, as etcd's are.
    const all = next === null ? [...(this.#objects.get(resource)?.values() ?? [])] : (this.#snapshots.get(version) ?? []);
    const end = offset + limit;
    if (end < all.length) this.#snapshots.set(version, all);
    const metadata = {
      resourceVersion: String(version),
      ...(end < all.length ? { continue: `${epoch}:${version}:${end}` } : {}),
    };
    const items = all.slice(offset, end);
    const text = JSON.stringify({ kind: 'SomeList', metadata, items });
    response.setHeader('content-type', 'application/json');
    // What is short is not worth it, as with a real one.
    if (zipped && text.length > 128 * 1024) response.setHeader('content-encoding', 'gzip').end(gzipSync(text));
    else response.end(text);
  }

  #watch(resource: string, from: number, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders();
    if (from < this.#oldest) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: { kind: 'Status', code: 410, message: 'too old' } })}\n`);
      return;
    }
    for (const happening of this.#history)
      if (happening.resource === resource && happening.version > from) response.write(eventLine(happening));
    const watch = { resource, response };
    this.#watches.add(watch);
    response.once('close', () => this.#watches.delete(watch));
  }
}

export function sendStatus(response: ServerResponse, code: number, message: string, headers: Record<string, string> = {}): void {
  const body = JSON.stringify({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, message });
  response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(body);
}

function nameOf({ metadata }: FakeObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}

function eventLine({ type, object, version }: Happening): string {
  const metadata = { ...object.metadata, resourceVersion: String(version) };
  return `${JSON.stringify({ type, object: { ...object, metadata } })}\n`;
}
