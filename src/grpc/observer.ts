/** What the server tells of its connections, for metrics and logs. */

/**
 * Why the server gave a connection up: it had reached its age, had no stream for long, gave no sign of life, or sent more
 * than there is a use for (PING, SETTINGS, streams that it resets); or there were too many connections.
 */
export type GivenUp = 'age' | 'idle' | 'dead' | 'flood' | 'full';

export interface GrpcObserver {
  connectionOpened(peer: string): void;
  /** Whoever closed it. */
  connectionClosed(peer: string): void;
  /** Told before it is closed, and for `full` instead. */
  connectionGivenUp(peer: string, why: GivenUp): void;
}
