/** Replicas that are given by the URLs of their admin endpoints. */
import { reasonOf } from '../../kubernetes/api-client.ts';
import type { Trouble } from '../trouble.ts';
import { parseAnswer, type Replica, type ReplicaAnswer } from './replica.ts';

const TIMEOUT_MS = 10_000;

export function urlReplicas(urls: readonly URL[]): readonly Replica[] {
  return urls.map((url) => ({ name: url.origin, get: (path) => get(url, path) }));
}

async function get(server: URL, path: string): Promise<ReplicaAnswer | Trouble> {
  const base = server.href.replace(/\/$/, '');
  try {
    const response = await fetch(`${base}${path}`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return parseAnswer(server.origin, response.status, await response.text());
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const hint = 'is `detour serve` running there? --server URL names another';
    return { trouble: `no answer from ${server.origin}: ${reasonOf(cause)}`, hint };
  }
}
