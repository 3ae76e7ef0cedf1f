/** Where the API server is, and who we are to it. */

import type { Agent } from 'node:http';
import { type Impersonation, impersonationHeaders } from './impersonation.ts';

export interface Connection {
  /** `http:` or `https:`; a path in it is kept. */
  readonly server: URL;
  readonly token: string | undefined;
  /** undefined: as ourselves. */
  readonly impersonated?: Impersonation | undefined;
  /** PEM; undefined: the authorities that Node trusts. */
  readonly ca: string | undefined;
  readonly certificate: string | undefined;
  readonly key: string | undefined;
  /** The name in the server's certificate, where it is not that of the URL. */
  readonly serverName: string | undefined;
  readonly isInsecure: boolean;
  /** Makes the connections, by a proxy; undefined: whoever sends requests does. */
  readonly agent?: Agent;
}

/** Who a request is of: certificates are the connection's, the rest is told with each. */
export function identityHeaders({ token, impersonated }: Connection): Record<string, string | string[]> {
  return {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(impersonated === undefined ? {} : impersonationHeaders(impersonated)),
  };
}

export interface Access {
  /** For messages: `kubeconfig /home/me/.kube/config`. */
  readonly name: string;
  /** Asked before a request, unless a moment ago, since credentials rotate. @throws AccessError */
  connect(): Promise<Connection>;
  /** The server did not accept what `connect` gave: nothing of it may be remembered. */
  forget(): void;
}

/** The message says what is wrong and the fix. */
export class AccessError extends Error {}
