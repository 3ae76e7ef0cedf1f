/** Lets Envoys in: finds out who one is, by its token or its certificate, and whether it is whom it claims to be. */
import { X509Certificate } from 'node:crypto';
import type { Proxy } from '../model/proxy.ts';
import type { Caller, CallerTls, Gate, Pass, Refusal } from '../xds/gate.ts';
import { type Identity, identityName, identityOfNames } from './identity.ts';
import { type GatewayRules, type Misfit, mayBeGateway, misfitOf, misfitOfAccount } from './misfit.ts';
import type { PodAccounts } from './pod-accounts.ts';
import { isBad } from './token-claims.ts';
import type { TokenReviewer } from './token-reviewer.ts';

export interface GatekeeperOptions extends GatewayRules {
  /** Undefined: tokens are not taken. */
  readonly tokens: TokenReviewer | undefined;
  /** Whether certificates are taken. */
  readonly certificates: boolean;
  readonly trustDomain: string;
  /** Undefined: there is no cluster to ask; then an account's certificate is good for all pods of its namespace. */
  readonly accounts: PodAccounts | undefined;
  /** ms since the epoch. */
  readonly now: () => number;
}

/** Of one pod: an Envoy has one, or one for each type, and twice as many while it comes back; an app may have a few more. */
const MOST_STREAMS = 100;

/** RFC 6750, as Envoy and everybody else sends it. */
const BEARER = /^Bearer +(?<token>[A-Za-z0-9._~+/=-]+)$/i;

export class Gatekeeper implements Gate {
  readonly #options: GatekeeperOptions;

  constructor(options: GatekeeperOptions) {
    this.#options = options;
  }

  /** A token counts before a certificate: who sends one means it. */
  async authenticate({ tls, authorization }: Caller): Promise<Pass | Refusal> {
    const { tokens, certificates } = this.#options;
    if (tokens !== undefined && authorization !== undefined) return this.#byToken(tokens, authorization);
    if (certificates && tls?.certificate !== undefined) return this.#byCertificate(tls.certificate, tls);
    return unauthenticated(
      'none',
      `no ${this.#wanted()}: start this Envoy with what \`detour envoy\` prints for ${this.#flags()}.`,
    );
  }

  async #byToken(tokens: TokenReviewer, authorization: string): Promise<Pass | Refusal> {
    const token = BEARER.exec(authorization)?.groups?.['token'];
    if (token === undefined) return unauthenticated('token', 'authorization must be Bearer and a ServiceAccount token.');
    const reviewed = await tokens.review(token);
    if ('trouble' in reviewed) return unavailable(`the token cannot be looked at now: ${reviewed.trouble}`);
    if (isBad(reviewed))
      return unauthenticated(
        reviewed.reason,
        `${reviewed.message}: give this Envoy a projected serviceAccountToken with audience detour, whose file the kubelet renews.`,
      );
    return this.#pass(reviewed.identity, reviewed.expiresAt, false);
  }

  #byCertificate(der: Buffer, { error }: CallerTls): Pass | Refusal {
    const refuse = (reason: string, message: string) => ({ ...unauthenticated(reason, message), endsConnection: true });
    const certificate = parse(der);
    if (certificate === undefined) return refuse('certificate', 'the client certificate cannot be read.');
    const expiresAt = Date.parse(certificate.validTo);
    // TLS looked at the time when the connection began; this may be another stream on it.
    if (error === 'CERT_HAS_EXPIRED' || !(expiresAt > this.#options.now()))
      return refuse('expired', `the client certificate has expired at ${certificate.validTo}: give this Envoy a new one.`);
    if (error !== undefined)
      return refuse('certificate', `no authority of --tls-client-ca has signed the client certificate (${error}).`);
    const identity = identityOfNames(certificate.subjectAltName, this.#options.trustDomain);
    if ('mistake' in identity) return refuse('certificate', `the client certificate ${identity.mistake}.`);
    return this.#pass(identity, expiresAt, true);
  }

  #pass(identity: Identity, expiresAt: number, endsConnection: boolean): Pass {
    return {
      name: identityName(identity),
      expiresAt,
      endsConnection,
      mostStreams: identity.kind === 'token' && identity.pod !== undefined ? MOST_STREAMS : undefined,
      seesAll: mayBeGateway(identity, this.#options),
      admits: (proxy) => this.#admits(identity, proxy),
    };
  }

  async #admits(identity: Identity, proxy: Proxy): Promise<Refusal | undefined> {
    const answer = misfitOf(identity, proxy, this.#options);
    if (answer === undefined) return undefined;
    if ('message' in answer) return denied(answer);
    const { accounts } = this.#options;
    if (accounts === undefined) return undefined;
    const found = await accounts.accountOf(answer.pod);
    if ('trouble' in found) return unavailable(`pod ${answer.pod} cannot be looked at now: ${found.trouble}`);
    const misfit = misfitOfAccount(identity, answer, found.account);
    return misfit === undefined ? undefined : denied(misfit);
  }

  #wanted(): string {
    const { tokens, certificates } = this.#options;
    if (tokens === undefined) return 'client certificate';
    return certificates ? 'ServiceAccount token and no client certificate' : 'ServiceAccount token';
  }

  #flags(): string {
    const { tokens, certificates } = this.#options;
    const flags = [...(tokens === undefined ? [] : ['--xds-token']), ...(certificates ? ['--xds-cert'] : [])];
    return flags.join(' or ');
  }
}

function parse(der: Buffer): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

function unauthenticated(reason: string, message: string): Refusal {
  return { code: 'unauthenticated', reason, message, endsConnection: false };
}

function unavailable(message: string): Refusal {
  return { code: 'unavailable', reason: 'unavailable', message, endsConnection: false };
}

function denied({ reason, message }: Misfit): Refusal {
  return { code: 'denied', reason, message, endsConnection: false };
}
