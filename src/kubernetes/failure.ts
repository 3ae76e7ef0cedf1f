/** Why a request to the API server did not do, as a value. */
import { isFields } from '../model/field-reader.ts';

export interface Failure {
  /** Of the server's answer; 0: there was none, or none that can be read. */
  readonly status: number;
  /** `AlreadyExists`, `Conflict`, … as the API server's `Status` says; '' where it does not. */
  readonly code: string;
  /** What happened: `403 pods is forbidden: …`. */
  readonly reason: string;
  /** What mends it; '' where waiting does. */
  readonly fix: string;
  /** The server cannot be asked at all, whatever is asked for. */
  readonly isGeneral: boolean;
  /** There was no server to ask: perhaps another one is meant. */
  readonly isAway?: boolean;
  /** What the server wants us to wait at least. */
  readonly retryAfterMs: number;
  /** 410: the resourceVersion, or the page, is too old. */
  readonly isGone: boolean;
}

const MAX_REASON = 300;

/** Without an answer. @param fix where waiting alone does not help */
export function unreachable(reason: string, fix = ''): Failure {
  return { status: 0, code: '', reason: cut(reason), fix, isGeneral: true, retryAfterMs: 0, isGone: false };
}

/** Nobody answers there. @param why the connection's own words */
export function away(server: URL, why: string, fix = ''): Failure {
  return { ...unreachable(`the API server ${server.origin} cannot be reached: ${why}`, fix), isAway: true };
}

/** An answer that is not as the API server's answers are. */
export function malformed(reason: string): Failure {
  return { status: 0, code: '', reason: cut(reason), fix: '', isGeneral: false, retryAfterMs: 0, isGone: false };
}

/**
 * @param body of the answer, or the object of a watch's ERROR event: a `Status`, mostly
 * @param resource for the fix, as are
 * @param verbs what the request, and those like it, need
 */
export function refused(
  status: number,
  body: unknown,
  resource: string,
  retryAfterMs: number,
  verbs = 'get, list and watch',
): Failure {
  const message = isFields(body) && typeof body['message'] === 'string' ? body['message'] : '';
  return {
    status,
    code: isFields(body) && typeof body['reason'] === 'string' ? body['reason'] : '',
    reason: cut(`${status}${message === '' ? '' : ` ${message}`}`),
    fix: fixOf(status, resource, verbs),
    isGeneral: status === 401,
    retryAfterMs,
    isGone: status === 410,
  };
}

/**
 * Where only some namespaces are watched, the rights in one go with it: a namespace that is gone looks like one that is
 * forbidden. @param namespace undefined: all are
 */
export function orGone(failure: Failure, namespace: string | undefined): Failure {
  if (failure.status !== 403 || namespace === undefined) return failure;
  const advice = `where namespace ${namespace} is gone, take it out of --namespace (the chart's watchNamespaces)`;
  return { ...failure, fix: `${failure.fix}; ${advice}` };
}

function fixOf(status: number, resource: string, verbs: string): string {
  if (status === 401) return 'the credentials are not accepted: log in again, or give others';
  if (status === 403) return `whoever Detour runs as needs ${verbs} on ${resource}`;
  if (status === 404) return `this server has no ${resource}: is it a Kubernetes API server of version 1.21 or later?`;
  return '';
}

function cut(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > MAX_REASON ? `${line.slice(0, MAX_REASON - 1)}…` : line;
}
