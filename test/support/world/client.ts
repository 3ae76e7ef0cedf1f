/** One request at a time over HTTP/1.1 or h2c, with everything that came back. */
import { createHash } from 'node:crypto';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { type ClientHttp2Session, connect } from 'node:http2';
import type { Readable } from 'node:stream';
import type { Answer } from './app-answer.ts';

export interface Ask {
  readonly method?: string;
  readonly path?: string;
  /** The `Host`; the proxy's own address unless told. */
  readonly host?: string;
  /** A list sends the header once for each of its values. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Readable | string;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Milliseconds from the first byte sent to the last received. */
  readonly ms: number;
}

/** What an app answered. Throws, with what came instead, when it was no app that answered. */
export function answerOf(reply: Reply): Answer {
  if (reply.headers['content-type'] !== 'application/json') throw new Error(`no answer of an app: ${reply.status} ${reply.text}`);
  return JSON.parse(reply.text) as Answer;
}

/** `pr-42` or `pr-42 > pr-7`: the copies that answered, hop by hop; `pr-42 > 503` where an Envoy answered in place of the next. */
export function pathOf(reply: Reply): string {
  const copies: string[] = [];
  for (let hop: Answer | undefined = answerOf(reply); hop !== undefined; hop = hop.next) {
    copies.push(hop.copy);
    if (hop.next === undefined && hop.nextStatus !== undefined) copies.push(`${hop.nextStatus} ${hop.nextText ?? ''}`.trim());
  }
  return copies.join(' > ');
}

export function servedBy(reply: Reply): string | undefined {
  const value = reply.headers['x-detour-served-by'];
  return value === undefined ? undefined : String(value);
}

/** An HTTP/1.1 client with one kept-alive connection, or as many as `sockets` says. */
export class HttpClient implements Disposable {
  readonly #port: number;
  readonly #address: string;
  readonly #agent: Agent;
  /** Connections opened so far. */
  connections = 0;

  constructor(port: number, sockets = 1, address = '127.0.0.1') {
    this.#port = port;
    this.#address = address;
    this.#agent = new Agent({ keepAlive: true, maxSockets: sockets });
    const create = this.#agent.createConnection.bind(this.#agent);
    this.#agent.createConnection = (...args) => {
      this.connections++;
      return create(...args);
    };
  }

  ask(ask: Ask = {}): Promise<Reply> {
    const started = performance.now();
    const { method = 'GET', path = '/', body } = ask;
    const headers: Record<string, string | string[]> = {};
    if (ask.host !== undefined) headers['host'] = ask.host;
    for (const [name, value] of Object.entries(ask.headers ?? {})) headers[name] = typeof value === 'string' ? value : [...value];
    return new Promise((resolve, reject) => {
      const request = httpRequest({ host: this.#address, port: this.#port, method, path, headers, agent: this.#agent });
      request.on('error', reject);
      request.on('response', (response) => {
        const { statusCode = 0, headers: replyHeaders } = response;
        collect(response).then(
          (body) => resolve({ status: statusCode, headers: replyHeaders, ...body, ms: performance.now() - started }),
          reject,
        );
      });
      if (body === undefined || typeof body === 'string') request.end(body);
      else body.on('error', reject).pipe(request);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}

/** An h2c client (prior knowledge) on one connection. */
export class H2cClient implements Disposable {
  readonly #session: ClientHttp2Session;
  readonly #authority: string;

  /** @param host an address as a URL has it */
  constructor(port: number, host = '127.0.0.1') {
    this.#authority = `${host}:${port}`;
    this.#session = connect(`http://${this.#authority}`);
    this.#session.on('error', () => undefined);
  }

  ask(ask: Ask = {}): Promise<Reply> {
    const started = performance.now();
    const { method = 'GET', path = '/', body } = ask;
    const stream = this.#session.request({
      ':method': method,
      ':path': path,
      ':authority': ask.host ?? this.#authority,
      ...ask.headers,
    });
    if (body === undefined || typeof body === 'string') stream.end(body);
    else body.pipe(stream);
    return new Promise((resolve, reject) => {
      stream.on('error', reject);
      stream.on('response', (headers) => {
        collect(stream).then(
          (body) => resolve({ status: Number(headers[':status']), headers, ...body, ms: performance.now() - started }),
          reject,
        );
      });
    });
  }

  [Symbol.dispose](): void {
    this.#session.destroy();
  }
}

async function collect(stream: Readable): Promise<{ readonly text: string; readonly bytes: number; readonly sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  let text = '';
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
    // Large bodies are told by their sum.
    if (text.length < 100_000) text += chunk.toString('utf8');
  }
  return { text, bytes, sha256: hash.digest('hex') };
}

/** One request on a connection of its own. */
export async function ask(port: number, what: Ask = {}, address = '127.0.0.1'): Promise<Reply> {
  using client = new HttpClient(port, 1, address);
  return await client.ask(what);
}
