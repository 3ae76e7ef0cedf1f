/** Who may have a stream: what the streams ask, whoever knows the answer. */
import type { Proxy } from '../model/proxy.ts';

/** Who opens a stream, as far as its connection and its headers say. */
export interface Caller {
  /** Address of the client. */
  readonly peer: string;
  /** undefined: without TLS. */
  readonly tls: CallerTls | undefined;
  /** The header. */
  readonly authorization: string | undefined;
}

export interface CallerTls {
  /** The client's certificate in DER; undefined: it showed none. */
  readonly certificate: Buffer | undefined;
  /** Why the certificate proves nothing (`CERT_HAS_EXPIRED`); undefined: an authority that is trusted has signed it. */
  readonly error: string | undefined;
}

/** `unauthenticated`: who is it? `denied`: it may not. `unavailable`: that cannot be found out now. */
export interface Refusal {
  readonly code: 'unauthenticated' | 'denied' | 'unavailable';
  /** For metrics. */
  readonly reason: string;
  /** Names both sides and the fix. */
  readonly message: string;
  /** The connection is as useless as the stream: what refused it will not change on it. */
  readonly endsConnection: boolean;
}

/** What somebody who was let in has. */
export interface Pass {
  /** Who it is, for logs. */
  readonly name: string;
  /** From then on it proves nothing: ms since the epoch. */
  readonly expiresAt: number;
  /** What to do then: its connection proves no more either. */
  readonly endsConnection: boolean;
  /** How many streams it may have at once; undefined: it stands for many Envoys. */
  readonly mostStreams: number | undefined;
  /** Whether it sees everything, also what other Envoys have. */
  readonly seesAll: boolean;
  /** Whether it may be whom it claims to be. */
  admits(proxy: Proxy): Promise<Refusal | undefined>;
}

export interface Gate {
  authenticate(caller: Caller): Promise<Pass | Refusal>;
}

/** Who was not let in. */
export interface Denied {
  /** Address of the client. */
  readonly peer: string;
  /** Who it has proven to be; undefined: nobody. */
  readonly who: string | undefined;
  /** undefined: it has not come to say so. */
  readonly nodeId: string | undefined;
}

export function isRefusal(answer: Pass | Refusal): answer is Refusal {
  return 'code' in answer;
}
