/** Why a request to the API server did not do, as a value. */
import { isFields } from '../field-reader.ts';

export interface Failure {
  /** What happened: `403 pods is forbidden: …`. */
  readonly reason: string;
  /** What mends it; '' where waiting does. */
  readonly fix: string;
  /** The server cannot be asked at all, whatever is asked for. */
  readonly isGeneral: boolean;
  /** What the server wants us to wait at least. */
  readonly retryAfterMs: number;
  /** 410: the resourceVersion, or the page, is too old. */
  readonly isGone: boolean;
}

const MAX_REASON = 300;

/** Without an answer. @param fix where waiting alone does not help */
export function unreachable(reason: string, fix = ''): Failure {
  return { reason: cut(reason), fix, isGeneral: true, retryAfterMs: 0, isGone: false };
}

/** An answer that is not as the API server's answers are. */
export function malformed(reason: string): Failure {
  return { reason: cut(reason), fix: '', isGeneral: false, retryAfterMs: 0, isGone: false };
}

/**
 * @param body of the answer, or the object of a watch's ERROR event: a `Status`, mostly
 * @param resource for the fix
 */
export function refused(status: number, body: unknown, resource: string, retryAfterMs: number): Failure {
  const message = isFields(body) && typeof body['message'] === 'string' ? body['message'] : '';
  return {
    reason: cut(`${status}${message === '' ? '' : ` ${message}`}`),
    fix: fixOf(status, resource),
    isGeneral: status === 401,
    retryAfterMs,
    isGone: status === 410,
  };
}

function fixOf(status: number, resource: string): string {
  if (status === 401) return 'the credentials are not accepted: log in again, or give others';
  if (status === 403) return `whoever Detour runs as needs get, list and watch on ${resource}`;
  if (status === 404) return `this server has no ${resource}: is it a Kubernetes API server of version 1.21 or later?`;
  return '';
}

function cut(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > MAX_REASON ? `${line.slice(0, MAX_REASON - 1)}…` : line;
}
