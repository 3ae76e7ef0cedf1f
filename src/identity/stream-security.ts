/** All that keeps streams from those whom they do not concern: TLS with what is in files, and the gatekeeper. */
import { constants } from 'node:crypto';
import type { ServerOpts } from 'node:net';
import { createServer, type SecureContextOptions, type Server } from 'node:tls';
import type { ApiSender } from '../kubernetes/api-objects.ts';
import type { Logger } from '../logger.ts';
import type { Gate } from '../xds/gate.ts';
import { Gatekeeper } from './gatekeeper.ts';
import { podAccounts } from './pod-accounts.ts';
import { TlsFiles, type TlsMaterial } from './tls-files.ts';
import { TokenReviewer } from './token-reviewer.ts';

export interface StreamSecurityOptions {
  /** PEM files. */
  readonly cert: string;
  readonly key: string;
  readonly clientCa: string | undefined;
  readonly tokens: boolean;
  readonly trustDomain: string;
  readonly gateways: readonly string[];
  /** undefined: there is no API server to ask. */
  readonly sender: ApiSender | undefined;
  readonly log: Logger;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** A client that is no client of ours holds a connection no longer. */
const HANDSHAKE_MS = 10_000;

export class StreamSecurity implements Disposable {
  readonly gate: Gate;
  readonly #files: TlsFiles;
  readonly #servers: Set<Server>;

  private constructor(gate: Gate, files: TlsFiles, servers: Set<Server>) {
    this.gate = gate;
    this.#files = files;
    this.#servers = servers;
  }

  /** @throws TlsFilesError */
  static async open(options: StreamSecurityOptions): Promise<StreamSecurity> {
    const { cert, key, clientCa, tokens, sender, log, now } = options;
    const servers = new Set<Server>();
    const onChange = (material: TlsMaterial): void => {
      // Connections that are open stay as they are.
      for (const server of servers) server.setSecureContext(contextOf(material));
    };
    const files = await TlsFiles.open({ files: { cert, key, clientCa, flags: 'tls' }, log, onChange });
    const gate = new Gatekeeper({
      trustDomain: options.trustDomain,
      gateways: options.gateways,
      certificates: clientCa !== undefined,
      tokens: tokens && sender !== undefined ? new TokenReviewer({ sender, now }) : undefined,
      accounts: sender === undefined ? undefined : podAccounts(sender),
      now,
    });
    return new StreamSecurity(gate, files, servers);
  }

  /** Of the certificate that is shown, ms since the epoch. */
  get expiresAt(): number {
    return this.#files.material.expiresAt;
  }

  /** Why the newest files are not used. */
  get trouble(): string | undefined {
    return this.#files.trouble;
  }

  readonly createServer = (options: ServerOpts): Server => {
    const { material } = this.#files;
    const server = createServer({
      ...options,
      ALPNProtocols: ['h2'],
      ...contextOf(material),
      handshakeTimeout: HANDSHAKE_MS,
      // Who shows none, or a bad one, is told so in gRPC, where Envoy logs it; the gatekeeper lets nobody in by it.
      requestCert: material.clientCa !== undefined,
      rejectUnauthorized: false,
    });
    // Whatever reaches the port and speaks no TLS.
    server.on('tlsClientError', () => undefined);
    this.#servers.add(server);
    return server.once('close', () => this.#servers.delete(server));
  };

  [Symbol.dispose](): void {
    this.#files[Symbol.dispose]();
  }
}

function contextOf({ cert, key, clientCa }: TlsMaterial): SecureContextOptions {
  return {
    cert,
    key,
    // Without it Node would take every public authority's word.
    ca: clientCa ?? [],
    minVersion: 'TLSv1.2',
    // A session that is resumed brings the verdict of its beginning: certificates and authorities may have changed since.
    secureOptions: constants.SSL_OP_NO_TICKET,
  };
}
