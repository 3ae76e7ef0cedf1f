/** How a call ends, as gRPC says it. */

/** Those that a server gives by itself, and those that methods give. */
export const STATUS = {
  ok: 0,
  invalidArgument: 3,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

export interface Status {
  readonly code: (typeof STATUS)[keyof typeof STATUS];
  /** For people. */
  readonly details: string;
}

export const OK: Status = { code: STATUS.ok, details: '' };

/** Of what all connections together may send before it is answered. */
export const TOO_MUCH: Status = {
  code: STATUS.resourceExhausted,
  details: 'too much is being received at once: come again later',
};

/** What clients named may be in it: a block of headers has an end. */
const MAX_DETAILS = 2_000;

/** The value of `grpc-message`: UTF-8, percent-encoded but for printable ASCII. */
export function encodeDetails(details: string): string {
  // A lone surrogate has no UTF-8.
  return details
    .slice(0, MAX_DETAILS)
    .toWellFormed()
    .replace(/[^\x20-\x7e]|%/gu, encodeURIComponent);
}
