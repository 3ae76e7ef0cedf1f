/** The webhooks over HTTPS, as an API server calls them. Whatever goes wrong here, it goes on without: they fail open. */
import { X509Certificate } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import { createSecureContext, type TLSSocket } from 'node:tls';
import type { InjectSettings } from '../inject/settings.ts';
import type { Logger } from '../logger.ts';
import type { SocketAddress } from '../model/proxy.ts';
import { WatchedFiles } from '../watched-files.ts';
import { type AdmissionRequest, readReview, reviewOf, type Verdict } from './admission-review.ts';
import { Callers, strangeness } from './callers.ts';
import { reviewInjection } from './inject-review.ts';
import type { FaultsOf } from './object-problems.ts';
import { reviewAnnotations } from './validate-review.ts';

export interface WebhookOptions {
  readonly listen: SocketAddress;
  /** PEM files; both are read again when they change. */
  readonly certificate: { readonly cert: string; readonly key: string };
  /** PEM file: authorities of those who may call; undefined: everybody may. It is read again when it changes. */
  readonly clientCa: string | undefined;
  /** PEM file: the authorities of the control plane's own certificate; undefined: sidecars speak without TLS. */
  readonly xdsCa: { readonly file: string; readonly serverName: string } | undefined;
  readonly sidecars: Omit<InjectSettings, 'credentials'>;
  readonly faultsOf: FaultsOf;
  /** What is in use now, ms since the epoch; undefined: none yet. And whether what the files have now cannot be used. */
  readonly onCertificate: (expiresAt: number | undefined, isFailing: boolean) => void;
  readonly onReview: (webhook: 'inject' | 'validate', outcome: string, request?: AdmissionRequest) => void;
  /** Somebody who may not call has called. @param why to be read after "it" */
  readonly onStranger: (from: string, why: string) => void;
  readonly log: Logger;
  readonly reloadMs?: number;
}

/** Two objects as large as an API server takes them, and what is around them. */
const MOST_BYTES = 8 * 1024 * 1024;
/** An API server waits for a few seconds. */
const PATIENCE_MS = 10_000;
const MOST_CONNECTIONS = 200;
const RELOAD_MS = 5_000;
const CERTIFICATE = 'certificate';
const CLIENTS = 'authorities of callers';

const CONSEQUENCE = 'Pods are made, but get no sidecar, and annotations are not checked when they are applied.';

export class WebhookServer implements AsyncDisposable {
  readonly #options: WebhookOptions;
  readonly #server: Server;
  readonly #stack = new AsyncDisposableStack();
  readonly #callers: Callers;
  /** Files that cannot be used now. */
  readonly #failing = new Set<string>();
  #pair: { readonly cert: string; readonly key: string } | undefined;
  /** PEM. */
  #clientCa: string | undefined;
  #settings: InjectSettings | undefined;
  /** Of the certificate. */
  #expiresAt: number | undefined;
  #bound: SocketAddress;

  constructor(options: WebhookOptions) {
    this.#options = options;
    this.#bound = options.listen;
    this.#settings = options.xdsCa === undefined ? { ...options.sidecars, credentials: undefined } : undefined;
    this.#callers = new Callers(options.clientCa === undefined);
    const requestCert = options.clientCa !== undefined;
    this.#server = createServer(
      // Whoever may not call is told so by HTTP: of a handshake that fails neither side's log says why.
      { minVersion: 'TLSv1.2', requestTimeout: PATIENCE_MS, headersTimeout: PATIENCE_MS, requestCert, rejectUnauthorized: false },
      (request, response) => {
        void this.#answer(request, response);
      },
    );
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.on('secureConnection', (socket: TLSSocket) => this.#callers.met(socket));
  }

  /** With the port that the system chose. */
  get address(): SocketAddress {
    return this.#bound;
  }

  /** A certificate that is not there yet is waited for. @throws what node:https says when the address cannot be had. */
  async start(): Promise<this> {
    const { listen, certificate, clientCa, xdsCa } = this.#options;
    // A key that is not the certificate's is refused there: one of the files is still the old one.
    await this.#watch(CERTIFICATE, certificate, (pair) => {
      this.#secure(pair, this.#clientCa);
      this.#pair = pair;
      this.#expiresAt = Date.parse(new X509Certificate(pair.cert).validTo);
    });
    if (clientCa !== undefined)
      await this.#watch(CLIENTS, { ca: clientCa }, ({ ca }) => {
        new X509Certificate(ca);
        if (this.#pair !== undefined) this.#secure(this.#pair, ca);
        this.#clientCa = ca;
        this.#callers.forget();
        this.#server.closeIdleConnections();
      });
    if (xdsCa !== undefined) {
      const { file, serverName } = xdsCa;
      await this.#watch('authorities', { ca: file }, ({ ca }) => {
        new X509Certificate(ca);
        this.#settings = { ...this.#options.sidecars, credentials: { serverName, ca } };
      });
    }
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(listen.port, listen.host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const bound = this.#server.address();
    this.#bound = { host: listen.host, port: typeof bound === 'object' && bound !== null ? bound.port : listen.port };
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
    if (!this.#server.listening) return;
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  /** Before the authorities of callers are there nobody gets a connection: by Node's own list others would be admitted. */
  #secure(pair: { readonly cert: string; readonly key: string }, ca: string | undefined): void {
    if (this.#options.clientCa === undefined) this.#server.setSecureContext(pair);
    else if (ca !== undefined) this.#server.setSecureContext({ ...pair, ca });
    else createSecureContext(pair);
  }

  async #watch<Name extends string>(
    what: string,
    files: Readonly<Record<Name, string>>,
    use: (texts: Readonly<Record<Name, string>>) => void,
  ): Promise<void> {
    const { log, reloadMs = RELOAD_MS } = this.#options;
    const watched = new WatchedFiles({
      files,
      pollMs: reloadMs,
      use: (texts) => {
        use(texts);
        this.#tell(what, false);
        log.info(`the webhooks have their ${what}`, { files: Object.values(files) });
      },
      onTrouble: (why) => {
        this.#tell(what, why !== '');
        if (why !== '')
          log.warn(`the webhooks' ${what} cannot be used: ${why}`, {
            consequence: `What was read before stays in force. Without any: ${CONSEQUENCE}`,
          });
      },
    });
    this.#stack.use(watched);
    await watched.start();
  }

  /** Of the files that connections need. */
  #tell(what: string, isFailing: boolean): void {
    if (what !== CERTIFICATE && what !== CLIENTS) return;
    if (isFailing) this.#failing.add(what);
    else this.#failing.delete(what);
    this.#options.onCertificate(this.#expiresAt, this.#failing.size > 0);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = ''] = (request.url ?? '').split('?');
    const hook = Object.hasOwn(HOOKS, path) ? HOOKS[path] : undefined;
    try {
      if (!this.#callers.admits(request.socket)) {
        const why = strangeness(request.socket);
        if (hook !== undefined) this.#options.onReview(hook.webhook, 'refused');
        this.#options.onStranger(request.socket.remoteAddress ?? 'somewhere', why);
        // Else the connection is reset under the answer.
        await bodyOf(request).catch(() => undefined);
        response.setHeader('connection', 'close');
        return send(response, 403, { error: `A caller has to show a certificate of --webhook-client-ca; this one ${why}.` });
      }
      if (hook === undefined)
        return send(response, 404, { error: `There is nothing here; there is ${Object.keys(HOOKS).join(', ')}.` });
      if (request.method !== 'POST') return send(response, 405, { error: 'An AdmissionReview is sent by POST.' });
      const text = await bodyOf(request);
      if (text === undefined) return send(response, 413, { error: `More than ${MOST_BYTES} bytes.` });
      const review = readReview(parsed(text));
      if ('mistake' in review) return send(response, 400, { error: `The body ${review.mistake}.` });
      // It came while the authorities changed.
      if (!this.#callers.admits(request.socket)) response.setHeader('connection', 'close');
      send(response, 200, reviewOf(review, this.#review(hook, review)));
    } catch (error) {
      this.#options.log.error(`POST ${path.slice(0, 100)} failed`, {
        err: error,
        consequence: `The API server goes on without. ${CONSEQUENCE}`,
      });
      if (hook !== undefined) this.#options.onReview(hook.webhook, 'failed');
      send(response, 500, { error: 'The answer could not be made; the log says more.' });
    }
  }

  #review({ webhook, isRestricted }: Hook, request: AdmissionRequest): Verdict {
    const { log, onReview, faultsOf } = this.#options;
    if (webhook === 'inject' && this.#settings === undefined) throw new Error('the authorities for sidecars have not been read');
    const verdict =
      webhook === 'inject' && this.#settings !== undefined
        ? reviewInjection(request, isRestricted, this.#settings)
        : reviewAnnotations(request, faultsOf);
    onReview(webhook, verdict.outcome, request);
    const { namespace, kind } = request;
    if (verdict.outcome === 'unfit')
      log.warn('a pod gets no sidecar', {
        namespace,
        why: verdict.warnings,
        consequence: 'It is made without; its annotation detour.dev/not-injected says why.',
      });
    else log.debug(`${webhook}: ${verdict.outcome}`, { namespace, kind, told: verdict.message ?? verdict.warnings });
    return verdict;
  }
}

interface Hook {
  readonly webhook: 'inject' | 'validate';
  readonly isRestricted: boolean;
}

/** The API server knows the labels of namespaces, and calls the one or the other. */
const HOOKS: Readonly<Record<string, Hook>> = {
  '/inject': { webhook: 'inject', isRestricted: false },
  '/inject/restricted': { webhook: 'inject', isRestricted: true },
  '/validate': { webhook: 'validate', isRestricted: false },
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @returns undefined for one that is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Of a request without encoding every chunk is a Buffer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MOST_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent || response.destroyed) return;
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    // What is left of a body that is too long is not read.
    ...(status === 413 && { connection: 'close' }),
  });
  response.end(text);
}
