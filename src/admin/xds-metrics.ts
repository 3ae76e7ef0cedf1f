/** What streams tell, as metrics and log lines. */
import type { Logger } from '../logger.ts';
import { PUSH_ORDER } from '../xds/type-urls.ts';
import type { StreamInfo, XdsObserver } from '../xds/xds.ts';
import { LogLimit } from './log-limit.ts';
import type { Metrics } from './metrics.ts';

export function xdsMetrics(metrics: Metrics, log: Logger): XdsObserver {
  const denials = new LogLimit();
  return {
    streamOpened: (stream) => {
      metrics.increase('detour_xds_streams_total', { protocol: stream.protocol });
      log.info('stream opened', fields(stream));
    },
    streamClosed: (stream, reason) => {
      if (reason === undefined) return log.info('stream closed by the client', fields(stream));
      metrics.increase('detour_xds_streams_closed_total', {});
      const consequence = 'This Envoy keeps the configuration that it has, and connects again.';
      log.warn('stream closed', { ...fields(stream), reason, consequence });
    },
    streamDrained: (stream) => {
      metrics.increase('detour_xds_streams_drained_total', {});
      log.info('stream ended, because the control plane stops', fields(stream));
    },
    streamRefused: (peer, reason) => {
      metrics.increase('detour_xds_streams_refused_total', {});
      const consequence = 'This client gets no configuration until its bootstrap is corrected.';
      log.warn('stream refused', { peer, reason, consequence });
    },
    streamDenied: ({ peer, who, nodeId }, { reason, message }) => {
      metrics.increase('detour_xds_denied_total', { reason });
      const unsaid = denials.take(performance.now());
      if (unsaid === undefined) return;
      const consequence =
        'This client gets no configuration, and comes again and again; an Envoy that had some keeps it. Others are not touched.';
      log.warn('stream denied', { peer, who, node: nodeId, reason, refusal: message, unsaid, consequence });
    },
    streamSentAway: (peer, reason) => {
      metrics.increase('detour_xds_streams_sent_away_total', {});
      log.info('stream sent away', {
        peer,
        reason,
        consequence: 'This Envoy keeps the configuration that it has, and connects again.',
      });
    },
    connectionOpened: () => metrics.increase('detour_xds_connections_total', {}),
    connectionClosed: () => undefined,
    connectionGivenUp: (peer, why) => {
      metrics.increase('detour_xds_connections_given_up_total', { why });
      log.info('connection given up', { peer, why });
    },
    nodeClaimedTwice: (stream, rivalPeer) => {
      const consequence =
        "What is said of one of them, in events and commands, is true of both only. Give each Envoy a name of its own, for example its pod's.";
      log.warn('two Envoys have one node id', { ...fields(stream), rivalPeer, consequence });
    },
    request: () => undefined,
    ack: (type) => metrics.increase('detour_xds_acks_total', { type: known(type) }),
    nack: (type, stream, { names, error }) => {
      metrics.increase('detour_xds_nacks_total', { type: known(type) });
      const consequence =
        'Nothing of this response is in force there. The intercepts to blame are left out for this kind of Envoy, the others are served: see /api/problems.';
      log.error('Envoy refused a response', { ...fields(stream), type, names: names.slice(0, 20), error, consequence });
    },
    responseSent: (type, bytes, resources) => {
      metrics.increase('detour_xds_responses_total', { type: known(type) });
      metrics.increase('detour_xds_response_bytes_total', { type: known(type) }, bytes);
      metrics.increase('detour_xds_resources_sent_total', { type: known(type) }, resources);
    },
    converged: (ms) => metrics.observe('detour_change_to_last_ack_seconds', ms / 1000),
  };
}

const TYPES: ReadonlySet<string> = new Set(PUSH_ORDER.map(({ type }) => type));

/** Types that we do not serve are named by the client: as label values they would never end. */
export function known(type: string): string {
  return TYPES.has(type) ? type : 'other';
}

function fields({ nodeId, role, protocol, peer, identity }: StreamInfo): Readonly<Record<string, string>> {
  return { node: nodeId, role, protocol, peer, ...(identity === undefined ? {} : { identity }) };
}
