/** What an {@link App} answers, by path. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { App, Link } from './app.ts';

/** One request, as an app saw it. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: number;
  readonly sha256: string;
}

/** The JSON body of an answer. */
export interface Answer extends Asked {
  readonly service: string;
  readonly copy: string;
  readonly pod: string;
  /** What the next hop answered, where the path led there. */
  readonly next?: Answer;
  readonly nextStatus?: number;
  readonly nextServedBy?: string;
  /** What came instead of an app's answer. */
  readonly nextText?: string;
}

/** Trace context that an instrumented application passes on. */
const PROPAGATED = ['baggage', 'tracestate', 'traceparent'];

/**
 * `/status?code=N` · `/slow?ms=N` · `/stream?chunks=N&ms=N` · `/download?bytes=N` · `/<link>/rest` · anything else: an
 * {@link Answer}. `code` and `ms` work on any path. Bodies are read to their end and summed up.
 */
export async function answer(app: App, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://app');
  const number = (name: string, fallback: number): number => Number(url.searchParams.get(name) ?? fallback);
  const asked = await read(request);
  app.note(asked);

  if (url.pathname === '/download') return download(response, app.options.copy, number('bytes', 0));
  if (url.pathname === '/stream') return stream(response, app.options.copy, number('chunks', 1), number('ms', 0));
  if (number('ms', 0) > 0) await delay(number('ms', 0));

  const [, first = '', ...rest] = url.pathname.split('/');
  const link = app.links[first];
  const next = link === undefined ? {} : await callOn(link, `/${rest.join('/')}${url.search}`, request);
  const body: Answer = { ...app.identity(), ...asked, ...next };
  response.writeHead(number('code', 200), { 'content-type': 'application/json', 'x-app-copy': app.options.copy });
  response.end(JSON.stringify(body));
}

async function read(request: IncomingMessage): Promise<Asked> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  const host = request.headers.host ?? String(request.headers[':authority'] ?? '');
  const headers = request.headers;
  return { method: request.method ?? '', path: request.url ?? '', host, headers, bytes, sha256: hash.digest('hex') };
}

/** The same bytes for the same size, so that both ends can sum them up. */
export function* pattern(bytes: number): Generator<Buffer> {
  const block = Buffer.alloc(65_536, 'detour takes the long way round. ');
  for (let left = bytes; left > 0; left -= block.length) yield left < block.length ? block.subarray(0, left) : block;
}

export function patternSha256(bytes: number): string {
  const hash = createHash('sha256');
  for (const block of pattern(bytes)) hash.update(block);
  return hash.digest('hex');
}

async function download(response: ServerResponse, copy: string, bytes: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'x-app-copy': copy });
  for (const block of pattern(bytes)) if (!response.write(block)) await once(response, 'drain');
  response.end();
}

async function stream(response: ServerResponse, copy: string, chunks: number, ms: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/plain', 'x-app-copy': copy });
  for (let index = 0; index < chunks; index++) {
    response.write(`${copy} ${index}\n`);
    await delay(ms);
  }
  response.end();
}

function callOn(link: Link, path: string, request: IncomingMessage): Promise<Partial<Answer>> {
  const headers: Record<string, string> = { host: link.host };
  for (const name of PROPAGATED) {
    const value = request.headers[name];
    if (value !== undefined) headers[name] = String(value);
  }
  const target = { host: link.address ?? '127.0.0.1', port: link.port, ...(link.fresh === true && { agent: false }) };
  return new Promise((resolve, reject) => {
    const onward = httpRequest({ ...target, path, headers }, async (reply) => {
      let text = '';
      for await (const chunk of reply.setEncoding('utf8') as AsyncIterable<string>) text += chunk;
      const nextServedBy = String(reply.headers['x-detour-served-by'] ?? '');
      const told = { nextStatus: reply.statusCode ?? 0, nextServedBy };
      // What is no JSON is a reply of an Envoy's own.
      const isAnswer = reply.headers['content-type'] === 'application/json';
      resolve(isAnswer ? { next: JSON.parse(text) as Answer, ...told } : { ...told, nextText: text.slice(0, 200) });
    });
    onward.on('error', reject).end();
  });
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
