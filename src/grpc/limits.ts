/** What a client may cost. */
import type { Http2Limits } from '../http2/connection.ts';

export interface GrpcLimits extends Http2Limits {
  /** No message may be longer, in bytes (F8). */
  readonly maxMessageBytes: number;
  /** Of messages that are not complete, or wait, over all connections, in bytes. */
  readonly maxReceivingBytes: number;
  /** A message that has begun must be complete after so long, in ms. */
  readonly messageMs: number;
  readonly maxConnections: number;
  /**
   * A connection is asked for a sign of life so often, in ms, and is given up when none has come after the other time (F7).
   * A client that takes what waits for it has both times, from when it has last taken some: the question stands behind it.
   */
  readonly pingMs: number;
  readonly pingTimeoutMs: number;
  /** A connection without a stream is given up, in ms. */
  readonly idleMs: number;
  /** A connection is to be given up by its client at this age, a fifth more or less, in ms; 0: at none (F6). */
  readonly maxAgeMs: number;
  /** Its streams have so long to end by themselves, in ms. */
  readonly ageGraceMs: number;
  /** A status that a client does not take is forgotten, in ms. */
  readonly lingerMs: number;
}

export const DEFAULT_GRPC_LIMITS: GrpcLimits = {
  maxMessageBytes: 64 * 1024 * 1024,
  maxReceivingBytes: 256 * 1024 * 1024,
  messageMs: 30_000,
  maxConnections: 10_000,
  maxStreams: 1_000,
  pingMs: 10_000,
  pingTimeoutMs: 5_000,
  idleMs: 300_000,
  maxAgeMs: 0,
  ageGraceMs: 10_000,
  lingerMs: 5_000,
  controlBurst: 100,
  controlRate: 5,
  resetBurst: 200,
  resetRate: 33,
  maxHeaderBytes: 16 * 1024,
  maxHeaders: 64,
};
