/**
 * A gateway's hosts are spread over many small RouteConfigurations, so that a change costs its shard and not the world
 * (design, section 3). `envoy/detour.lua` computes the same.
 */
export const SHARDS = 1024;

/** The RouteConfiguration that knows which keys are live. */
export const KEYS = 'keys';

/** @param host lower case, no port, ASCII. */
export function shardOf(host: string): number {
  let hash = 0;
  for (let index = 0; index < host.length; index += 1) hash = (hash * 65599 + host.charCodeAt(index)) % 2147483647;
  return hash % SHARDS;
}

export function shardName(shard: number): string {
  return `shard-${shard}`;
}
