/**
 * Kubeconfig's `auth-provider: oidc`: a token of an identity provider, which is fetched anew when it has expired. By our own
 * hand: client-node 2.0.1 cannot renew one (it gives openid-client a text for a URL, and never the client's secret).
 */
import { readFile } from 'node:fs/promises';
import https from 'node:https';
import { FieldReader } from '../model/field-reader.ts';
import { AccessError } from './access.ts';

/** As kubeconfig has it: `id-token`, `refresh-token`, `client-id`, `client-secret`, `idp-issuer-url`, … */
export type OidcLogin = Readonly<Record<string, string>>;

export interface IdToken {
  readonly text: string;
  /** ms since the epoch; 0 where the token does not say. */
  readonly expiresAt: number;
}

const TIMEOUT_MS = 15_000;
const MAX_BYTES = 1024 * 1024;

/** The one that stands in the kubeconfig. */
export function writtenToken(login: OidcLogin): IdToken {
  return idToken(login['id-token'] ?? '');
}

function idToken(text: string): IdToken {
  try {
    const claims: unknown = JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const expires = typeof claims === 'object' && claims !== null && 'exp' in claims ? Number(claims.exp) : Number.NaN;
    return { text, expiresAt: Number.isFinite(expires) ? expires * 1000 : 0 };
  } catch {
    return { text, expiresAt: 0 };
  }
}

export interface Renewal {
  readonly token: IdToken;
  /** With the refresh token for the next time: many providers take each but once. */
  readonly login: OidcLogin;
}

/** Asks the identity provider: discovery, then a refresh grant. @throws AccessError */
export async function renewToken(login: OidcLogin, user: string): Promise<Renewal> {
  const fail = (why: string, cause?: unknown) =>
    new AccessError(`user ${user} logs in by OIDC: its token has expired, and ${why}: log in again`, { cause });
  for (const field of ['refresh-token', 'client-id', 'idp-issuer-url'])
    if ((login[field] ?? '') === '') throw fail(`there is no ${field}`);
  const issuer = login['idp-issuer-url'] ?? '';
  try {
    const ca = await authorityOf(login);
    const discovered = await ask(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, ca, undefined);
    const read = new FieldReader();
    const form = {
      grant_type: 'refresh_token',
      refresh_token: login['refresh-token'] ?? '',
      client_id: login['client-id'] ?? '',
    };
    const secret = login['client-secret'] ?? '';
    const body = new URLSearchParams(secret === '' ? form : { ...form, client_secret: secret });
    const granted = await ask(read.text(discovered['token_endpoint'], 'token_endpoint'), ca, body.toString());
    const text = read.text(granted['id_token'], 'id_token');
    const next = read.text(granted['refresh_token'], 'refresh_token');
    if (text === '' || read.failed) throw new Error(read.failed ? read.describe() : 'there is no id_token in its answer');
    const renewed = { ...login, 'id-token': text };
    return { token: idToken(text), login: next === '' ? renewed : { ...renewed, 'refresh-token': next } };
  } catch (error) {
    throw fail(`${issuer} gives no new one: ${error instanceof Error ? error.message : String(error)}`, error);
  }
}

async function authorityOf(login: OidcLogin): Promise<string | undefined> {
  const data = login['idp-certificate-authority-data'] ?? '';
  if (data !== '') return Buffer.from(data, 'base64').toString('utf8');
  const file = login['idp-certificate-authority'] ?? '';
  return file === '' ? undefined : await readFile(file, 'utf8');
}

/** @param form sent by POST; undefined: a GET */
async function ask(url: string, ca: string | undefined, form: string | undefined): Promise<Readonly<Record<string, unknown>>> {
  const { status, body } = await new Promise<{ status: number; body: string }>((resolve, reject) => {
    const headers = {
      accept: 'application/json',
      ...(form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    };
    const options = { method: form === undefined ? 'GET' : 'POST', headers, signal: AbortSignal.timeout(TIMEOUT_MS) };
    const sent = https.request(url, ca === undefined ? options : { ...options, ca }, async (response) => {
      let text = '';
      try {
        for await (const chunk of response.setEncoding('utf8')) if (text.length < MAX_BYTES) text += String(chunk);
        resolve({ status: response.statusCode ?? 0, body: text });
      } catch (error) {
        reject(error);
      }
    });
    sent.on('error', reject).end(form);
  });
  const read = new FieldReader();
  const fields = read.map(parse(body), 'its answer');
  if (status === 200 && !read.failed) return fields;
  const why = [fields['error'], fields['error_description']].filter((each) => typeof each === 'string').join(': ');
  throw new Error(`${new URL(url).pathname} answers ${status}${why === '' ? '' : `: ${why}`}`);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
