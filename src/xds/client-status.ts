/** CSDS: what every client was sent, and what it made of it, resource by resource (rule V9). */
import type { ClientConfig, ClientConfig_GenericXdsConfig, ClientStatusResponse } from '../generated/envoy.d.ts';
import type { Session } from './session.ts';
import type { NodeMatch } from './status-request.ts';
import type { Track } from './track.ts';

export interface KnownClient {
  /** `node.id`. */
  readonly nodeId: string;
  /** Of the stream. */
  readonly id: string;
  readonly session: Session;
}

/**
 * @param matches any of them suffices; none: every client
 * @param maxResources of all clients together
 * @returns undefined when there are more: nothing was made of them.
 */
export function clientStatus(
  clients: Iterable<KnownClient>,
  matches: readonly NodeMatch[],
  maxResources: number,
): ClientStatusResponse | undefined {
  const asked: KnownClient[] = [];
  let resources = 0;
  for (const client of clients) {
    if (matches.length > 0 && !matches.some((match) => matchesId(match, client.nodeId))) continue;
    for (const track of client.session.tracks) resources += countOf(track);
    if (resources > maxResources) return undefined;
    asked.push(client);
  }
  const config: ClientConfig[] = [];
  for (const { nodeId, id, session } of asked) {
    const generic_xds_configs = session.tracks.flatMap((track) => [...namesOf(track)].map((name) => configOf(track, name)));
    config.push({ node: { id: nodeId }, client_scope: id, generic_xds_configs });
  }
  return { config };
}

function matchesId({ kind, value }: NodeMatch, nodeId: string): boolean {
  switch (kind) {
    case 'exact':
      return nodeId === value;
    case 'prefix':
      return nodeId.startsWith(value);
    case 'suffix':
      return nodeId.endsWith(value);
    case 'contains':
      return nodeId.includes(value);
  }
}

/** How many names there are at most, without looking at them. */
function countOf({ subscription, log }: Track): number {
  return subscription.size + (subscription.wildcard ? log.size : 0);
}

function namesOf({ subscription, log }: Track): ReadonlySet<string> {
  const names = new Set(subscription.explicit());
  if (subscription.wildcard) for (const { name, current } of log.entries()) if (current !== undefined) names.add(name);
  return names;
}

function configOf(track: Track, name: string): ClientConfig_GenericXdsConfig {
  const common = { type_url: track.typeUrl, name };
  const current = track.log.entry(name)?.current;
  const sent = track.inFlight?.items.get(name)?.sent;
  // Sent, and no answer yet.
  if (sent !== undefined) return { ...common, version_info: sent.version, config_status: 'STALE', client_status: 'REQUESTED' };
  const refused = track.marks.get(name)?.refused;
  if (refused !== undefined) {
    const error_state = { details: refused.error, last_update_attempt: new Date(refused.at).toISOString() };
    return { ...common, config_status: 'ERROR', client_status: 'NACKED', error_state };
  }
  const accepted = track.accepted(name)?.version;
  if (current === undefined) return { ...common, config_status: 'NOT_SENT', client_status: 'DOES_NOT_EXIST' };
  if (accepted === undefined) return { ...common, config_status: 'NOT_SENT', client_status: 'REQUESTED' };
  return {
    ...common,
    version_info: accepted,
    config_status: accepted === current.version ? 'SYNCED' : 'NOT_SENT',
    client_status: 'ACKED',
  };
}
