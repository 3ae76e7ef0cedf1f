/** The addresses of the tests' cluster. Nobody else is in its network namespace, so they are the same every time. */

/** In-process pods listen on any address of it; a pod of real programs has its own in a network namespace of its own. */
export const POD_BLOCK = '10.77.0.0/16';
export const SERVICE_BLOCK = '10.96.0.0/16';

/** Of the one node: API server, kubelet. */
export const NODE_ADDRESS = '10.77.255.254';
export const NODE_NAME = 'node-1';
export const KUBELET_PORT = 10_250;

/** The API server's ClusterIP: the first one of its block. */
export const API_SERVICE_ADDRESS = '10.96.0.1';
export const API_SERVICE_PORT = 443;

/** The cluster's DNS. */
export const DNS_ADDRESS = '10.96.0.10';

/** Test files take one block of pod addresses each: `10.77.(8 × block + 0…7).*`. */
export const BLOCKS = 31;
export const ADDRESSES_PER_BLOCK = 8 * 254;

/** The n-th of a block, from 0 on, round and round. */
export function podAddress(block: number, n: number): string {
  const index = n % ADDRESSES_PER_BLOCK;
  return `10.77.${8 * block + Math.floor(index / 254)}.${1 + (index % 254)}`;
}
