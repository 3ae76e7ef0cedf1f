/** The client of a stream, once it has said who it is. Pure. */
import type { Proxy } from '../model/proxy.ts';
import type { Node } from './node.ts';
import type { Claim } from './node-claims.ts';
import type { StreamInfo } from './observer.ts';

const MAX_USER_AGENT = 256;

export interface Client {
  readonly proxy: Proxy;
  readonly info: StreamInfo;
  readonly claim: Claim;
}

/** @param typeUrl of a stream for one type; undefined: aggregated */
export function clientOf(
  node: Node,
  proxy: Proxy,
  { typeUrl, ...stream }: Pick<StreamInfo, 'id' | 'protocol' | 'peer' | 'identity'> & { readonly typeUrl: string | undefined },
): Client {
  const { role } = proxy;
  const userAgent = node.userAgent.slice(0, MAX_USER_AGENT);
  return {
    proxy,
    info: { ...stream, nodeId: node.id, role, userAgent },
    claim: { nodeId: node.id, role, peer: stream.peer, typeUrl },
  };
}

/** S3: later requests need no node, and cannot change it. @returns what is wrong with one that comes then. */
export function changeOfNode({ info: { nodeId } }: Client, node: Node | undefined): string | undefined {
  if (node === undefined || node.id === '' || node.id === nodeId) return undefined;
  return `node.id changed from ${nodeId} to ${node.id} on one stream: open another stream for another node`;
}

/** W5: a gRPC client that has given up all that it had asked for comes back with a request without names, and means none. */
export function isGrpc({ userAgent }: StreamInfo): boolean {
  return /^grpc\b/i.test(userAgent);
}
