/** Requests over TLS, by HTTP/1.1 or HTTP/2 as the server chooses, and what it showed of itself. */
import { X509Certificate } from 'node:crypto';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { text } from 'node:stream/consumers';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import type { Ask } from './client.ts';

export interface TlsOptions {
  readonly port: number;
  /** The authority that certificates are from. */
  readonly ca: string;
  /** What the client asks for (SNI); the host of the request unless told, `''` for nothing. */
  readonly servername?: string;
  /** `h2` and `http/1.1` unless told. */
  readonly protocols?: readonly string[];
  readonly more?: ConnectionOptions;
}

export interface Greeting {
  readonly socket: TLSSocket;
  readonly certificate: X509Certificate;
  /** The TLS version. */
  readonly version: string | null;
}

/** Whether the certificate is good for the name is for the test to say. @throws Error where the handshake fails. */
export function greet({ port, ca, servername, protocols = ['h2', 'http/1.1'], more }: TlsOptions): Promise<Greeting> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, ca, ALPNProtocols: [...protocols], checkServerIdentity: () => undefined, ...more };
    const socket = connect(servername === undefined || servername === '' ? options : { ...options, servername });
    socket.once('error', reject);
    socket.once('close', () => reject(new Error('closed before the handshake was done')));
    socket.once('secureConnect', () => {
      const certificate = new X509Certificate(socket.getPeerCertificate().raw);
      resolve({ socket, certificate, version: socket.getProtocol() });
    });
  });
}

export interface TlsReply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly certificate: X509Certificate;
  /** What was agreed on; undefined: nothing. */
  readonly protocol: string | undefined;
}

/** One request on a connection of its own. */
export async function askTls(options: TlsOptions, ask: Ask): Promise<TlsReply> {
  const { socket, certificate } = await greet({ ...options, servername: options.servername ?? ask.host ?? '' });
  try {
    const protocol = typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : undefined;
    const reply = await (protocol === 'h2' ? overHttp2(socket, ask) : overHttp1(socket, ask));
    return { ...reply, certificate, protocol };
  } finally {
    socket.destroy();
  }
}

type Answered = Pick<TlsReply, 'status' | 'headers' | 'text'>;

/** A list sends the header once for each of its values. */
function headersOf({ headers = {} }: Ask): Record<string, string | string[]> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : [...value]]),
  );
}

function overHttp1(socket: TLSSocket, ask: Ask): Promise<Answered> {
  const { method = 'GET', path = '/', host = '', body } = ask;
  return new Promise((resolve, reject) => {
    const request = httpRequest({ createConnection: () => socket, method, path, headers: { host, ...headersOf(ask) } });
    request.on('error', reject);
    request.on('response', (response) => {
      const { statusCode = 0, headers } = response;
      text(response).then((content) => resolve({ status: statusCode, headers, text: content }), reject);
    });
    request.end(typeof body === 'string' ? body : undefined);
  });
}

function overHttp2(socket: TLSSocket, ask: Ask): Promise<Answered> {
  const { method = 'GET', path = '/', host = '', body } = ask;
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://${host}`, { createConnection: () => socket });
    session.on('error', reject);
    const stream = session.request({ ':method': method, ':path': path, ':authority': host, ...headersOf(ask) });
    stream.on('error', reject);
    stream.on('response', (headers) => {
      text(stream).then((content) => resolve({ status: Number(headers[':status']), headers, text: content }), reject);
    });
    stream.end(typeof body === 'string' ? body : undefined);
  });
}
