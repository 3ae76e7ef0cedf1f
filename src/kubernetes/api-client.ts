/** Requests to the API server, over kept connections, with the credentials of the moment. */
import type http from 'node:http';
import https from 'node:https';
import type { Access, Connection } from './access.ts';
import { AccessError, identityHeaders } from './access.ts';
import { away, type Failure, refused, unreachable } from './failure.ts';
import { messageSchema } from './message-schema.ts';
import { openEnvelope, PROTOBUF, readMessage } from './protobuf.ts';
import { unzip } from './unzip.ts';

/** Not by `import`: that evaluates all that it exports, a WebSocket client too, and takes 30 ms of every start. */
const { Agent, request: requestByHttp } = process.getBuiltinModule('node:http');

export type Query = Readonly<Record<string, string | number | undefined>>;

export interface ApiRequest {
  readonly path: string;
  readonly query: Query;
  /** For messages. */
  readonly resource: string;
  /** Media types; JSON unless told. */
  readonly accept?: string;
  /** The answer may be gzip: a tenth of the bytes, for a little of the server's time. */
  readonly zipped?: boolean;
  /** Ends the request, and the reading of its body. */
  readonly signal: AbortSignal;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface ApiCall extends ApiRequest {
  readonly method: Method;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** For `PATCH`: `application/apply-patch+yaml`, …; `application/json` unless told. */
  readonly contentType?: string;
}

/** RBAC's words for what a method does. */
const VERBS: Readonly<Record<Method, string>> = {
  GET: 'get, list and watch',
  POST: 'create',
  PUT: 'update',
  PATCH: 'patch',
  DELETE: 'delete',
};

/** Of a status of 200 to 299. Reading the body throws where the connection breaks. */
export interface ApiAnswer {
  /** The media type; '' where the server does not say. */
  readonly contentType: string;
  /** The body is gzip. */
  readonly isZipped?: boolean;
  readonly body: AsyncIterable<Buffer>;
}

/** How lists and watches ask the API server. */
export interface ApiClient {
  get(request: ApiRequest): Promise<ApiAnswer | Failure>;
}

/** From the request to the answer's head. A server that hangs is as good as none. */
const ANSWER_MS = 30_000;
/**
 * Credentials are files, mostly: a dozen turns of the loop to read. The pages of a list are asked for in less, so that the
 * next one is on its way before the last one is looked at; whoever logs in anew is heard a moment later.
 */
const REMEMBERED_MS = 1_000;
const MAX_ERROR_BYTES = 64 * 1024;
const MAX_RETRY_AFTER_MS = 5 * 60_000;
/** What is used of a `Status`. */
const STATUS = messageSchema(['message', 3, 'text'], ['reason', 4, 'text']);

export class HttpApiClient implements ApiClient, Disposable {
  readonly #access: Access;
  readonly #userAgent: string;
  #agent: http.Agent | undefined;
  /** What the agent's connections were made with. */
  #madeWith = '';
  #remembered: { readonly connection: Connection; readonly at: number } | undefined;
  #clock: { readonly ms: number; readonly heardAt: number } | undefined;

  constructor(access: Access, userAgent = 'detour') {
    this.#access = access;
    this.#userAgent = userAgent;
  }

  get(request: ApiRequest): Promise<ApiAnswer | Failure> {
    return this.send({ ...request, method: 'GET' });
  }

  async send(request: ApiCall): Promise<ApiAnswer | Failure> {
    let connection: Connection;
    try {
      connection = await this.#connect();
    } catch (error) {
      if (error instanceof AccessError) return unreachable(error.message);
      throw error;
    }
    const { signal, resource, method } = request;
    if (signal.aborted) return unreachable('stopped');
    try {
      const response = await this.#send(connection, request);
      this.#hearClock(response.headers.date);
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300)
        return { body: response, contentType: response.headers['content-type'] ?? '', isZipped: isZipped(response) };
      if (status === 401) {
        this.#remembered = undefined;
        this.#access.forget();
      }
      const retryAfter = retryAfterMs(response.headers['retry-after']);
      return refused(status, await errorBody(response), resource, retryAfter, VERBS[method]);
    } catch (error) {
      return away(connection.server, reasonOf(error), fixOf(error));
    }
  }

  /** What time it is for the server, in ms since the epoch, as far as its last answer said: to half a second. */
  serverTime(): number | undefined {
    return this.#clock === undefined ? undefined : this.#clock.ms + performance.now() - this.#clock.heardAt;
  }

  [Symbol.dispose](): void {
    this.#agent?.destroy();
  }

  async #connect(): Promise<Connection> {
    const known = this.#remembered;
    if (known !== undefined && performance.now() - known.at < REMEMBERED_MS) return known.connection;
    const connection = await this.#access.connect();
    this.#remembered = { connection, at: performance.now() };
    return connection;
  }

  /** @param date in whole seconds, so that it is half of one too early in the mean. */
  #hearClock(date: string | undefined): void {
    const ms = Date.parse(date ?? '');
    if (!Number.isNaN(ms)) this.#clock = { ms: ms + 500, heardAt: performance.now() };
  }

  #send(connection: Connection, call: ApiCall): Promise<http.IncomingMessage> {
    const { method, path, query, body, contentType, accept = 'application/json', zipped, signal } = call;
    const url = new URL(connection.server);
    url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`;
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
    // Node itself gives a DELETE no length, and the server then reads none of its body.
    const text = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = {
      accept,
      ...(zipped === true ? { 'accept-encoding': 'gzip' } : {}),
      'user-agent': this.#userAgent,
      ...identityHeaders(connection),
      ...(text === undefined ? {} : { 'content-type': contentType ?? 'application/json', 'content-length': text.byteLength }),
    };
    const request = url.protocol === 'http:' ? requestByHttp : https.request;
    return new Promise((resolve, reject) => {
      const sent = request(url, { method, headers, agent: this.#agentFor(connection) });
      const answerTimer = setTimeout(() => sent.destroy(new Error(`no answer for ${ANSWER_MS / 1000} s`)), ANSWER_MS);
      const abort = () => sent.destroy(new Error('stopped'));
      signal.addEventListener('abort', abort, { once: true });
      sent.once('response', (response) => {
        clearTimeout(answerTimer);
        resolve(response);
      });
      // Stays, so that an error after the answer is nobody's uncaught one: the body's reader gets it too.
      sent.on('error', reject);
      sent.once('close', () => {
        clearTimeout(answerTimer);
        signal.removeEventListener('abort', abort);
      });
      sent.end(text);
    });
  }

  /** Connections are kept until the certificates or the authority are others; a token may change on any of them. */
  #agentFor({ server, ca, certificate, key, serverName, isInsecure, agent }: Connection): http.Agent {
    if (agent !== undefined) return agent;
    const madeWith = JSON.stringify([server.protocol, ca, certificate, key, serverName, isInsecure]);
    if (this.#agent !== undefined && madeWith === this.#madeWith) return this.#agent;
    // Only its idle connections may end now: on the others are lists and watches.
    const old = this.#agent;
    for (const sockets of Object.values(old?.freeSockets ?? {})) for (const socket of sockets ?? []) socket.destroy();
    this.#madeWith = madeWith;
    this.#agent =
      server.protocol === 'http:'
        ? new Agent({ keepAlive: true })
        : new https.Agent({
            keepAlive: true,
            rejectUnauthorized: !isInsecure,
            ...(ca === undefined ? {} : { ca }),
            ...(certificate === undefined ? {} : { cert: certificate }),
            ...(key === undefined ? {} : { key }),
            ...(serverName === undefined ? {} : { servername: serverName }),
          });
    return this.#agent;
  }
}

function isZipped(response: http.IncomingMessage): boolean {
  return response.headers['content-encoding'] === 'gzip';
}

/** @returns undefined when it is larger than that; what is left of it is not read. It throws where the connection breaks. */
export async function readBody(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > maxBytes) return undefined;
  }
  return Buffer.concat(chunks);
}

export function isFailure(answer: object): answer is Failure {
  return 'isGeneral' in answer;
}

/** What a broken connection, or an address without a server, is called. */
export function reasonOf(error: unknown): string {
  // Node tries all addresses of a name, and then tells all reasons.
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(reasonOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

const CERTIFICATE_ERRORS = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS/;

function fixOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return CERTIFICATE_ERRORS.test(code) ? 'its certificate is not of the authority that the credentials name' : '';
}

/** Seconds or a date, as HTTP allows. */
function retryAfterMs(header: string | undefined): number {
  if (header === undefined) return 0;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), MAX_RETRY_AFTER_MS);
}

/** Of an answer that is no success: a `Status`, mostly. */
export async function errorBody(response: http.IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.setTimeout(ANSWER_MS, () => response.destroy(new Error(`no end of the answer for ${ANSWER_MS / 1000} s`)));
  for await (const chunk of response) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MAX_ERROR_BYTES) break;
  }
  const sent = Buffer.concat(chunks);
  let body: Buffer = sent;
  try {
    if (isZipped(response)) body = (await unzip(sent, MAX_ERROR_BYTES)) ?? sent;
    if (response.headers['content-type']?.startsWith(PROTOBUF)) return readMessage(openEnvelope(body), STATUS);
    return JSON.parse(body.toString('utf8'));
  } catch {
    return { message: body.toString('utf8') };
  }
}
