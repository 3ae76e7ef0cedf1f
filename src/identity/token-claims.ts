/**
 * What a ServiceAccount's token says of itself, before anybody has proven it: enough to refuse some without asking. And
 * what the API server's TokenReview says of it, which counts.
 */
import { FieldReader, isFields } from '../model/field-reader.ts';
import { objectKey } from '../model/names.ts';
import type { Identity } from './identity.ts';

export const AUDIENCE = 'detour';

/** Larger than any; the API server's own have some 1000 characters. */
const LONGEST = 16 * 1024;

export interface Claims {
  /** ms since the epoch. */
  readonly expiresAt: number;
}

export type BadToken = { readonly reason: 'token' | 'audience' | 'expired'; readonly message: string };

/** @param now ms since the epoch */
export function readClaims(token: string, now: number): Claims | BadToken {
  const claims = payloadOf(token);
  if (claims === undefined) return bad('token', 'the token is no JSON web token');
  const read = new FieldReader();
  const audiences = typeof claims['aud'] === 'string' ? [claims['aud']] : read.list(claims['aud'], 'aud');
  if (!audiences.includes(AUDIENCE)) {
    const told = audiences.filter((each) => typeof each === 'string').join(', ');
    return bad(
      'audience',
      `the token is for ${told === '' ? 'no audience' : `audience ${told.slice(0, 200)}`}, not for ${AUDIENCE}`,
    );
  }
  const { exp } = claims;
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return bad('token', 'the token never expires');
  const expiresAt = exp * 1000;
  if (expiresAt <= now) return bad('expired', `the token has expired ${Math.round((now - expiresAt) / 1000)} s ago`);
  return { expiresAt };
}

/** The `status` of a TokenReview. */
export function readReview(status: unknown): Identity | BadToken {
  const read = new FieldReader();
  const fields = read.map(status, 'status');
  if (fields['authenticated'] !== true) {
    const error = read.text(fields['error'], 'status.error');
    return bad('token', `the API server does not know the token${error === '' ? '' : `: ${error.slice(0, 200)}`}`);
  }
  // A server that knows nothing of audiences leaves them out, and has checked none.
  if (!read.list(fields['audiences'], 'status.audiences').includes(AUDIENCE))
    return bad('audience', `the token is not for audience ${AUDIENCE}`);
  const user = read.map(fields['user'], 'status.user');
  const name = read.text(user['username'], 'status.user.username');
  const { namespace, account } = /^system:serviceaccount:(?<namespace>[^:]+):(?<account>[^:]+)$/.exec(name)?.groups ?? {};
  if (namespace === undefined || account === undefined)
    return bad('token', `the token is of ${name.slice(0, 200)}, which is no ServiceAccount`);
  const extra = read.map(user['extra'], 'status.user.extra');
  const [pod] = read.list(extra['authentication.kubernetes.io/pod-name'], 'pod-name');
  return {
    kind: 'token',
    account: objectKey(namespace, account),
    pod: typeof pod === 'string' && pod !== '' ? objectKey(namespace, pod) : undefined,
  };
}

export function isBad(answer: object): answer is BadToken {
  return 'reason' in answer;
}

function payloadOf(token: string): Readonly<Record<string, unknown>> | undefined {
  const parts = token.split('.');
  if (token.length > LONGEST || parts.length !== 3) return undefined;
  try {
    const payload: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return isFields(payload) ? payload : undefined;
  } catch {
    return undefined;
  }
}

function bad(reason: BadToken['reason'], what: string): BadToken {
  return { reason, message: what };
}
