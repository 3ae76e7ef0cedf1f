/**
 * Where the captured traffic of a pod arrives: listeners of the bootstrap, which take it before there is a control plane
 * and pass it through to where it was going. What the control plane knows better it is handed over to, by the original
 * destination: listeners of single ports, that bind none (src/translate).
 */
import { socketAddress } from './envoy-probes.ts';
import { ANY_ADDRESS, CAPTURED_INBOUND_PORT, CAPTURED_OUTBOUND_PORT, type IpFamily, LOOPBACK } from './model/capture.ts';

const PASSTHROUGH = 'passthrough';
const NOWHERE = 'nowhere';

/** `envoy.config.listener.v3.Listener`s. @param families of the pod's addresses; never empty. */
export function captureListeners(families: readonly IpFamily[]): readonly object[] {
  return [
    captureListener(
      'captured-outbound',
      CAPTURED_OUTBOUND_PORT,
      families.map((family) => LOOPBACK[family]),
    ),
    captureListener(
      'captured-inbound',
      CAPTURED_INBOUND_PORT,
      families.map((family) => ANY_ADDRESS[family]),
    ),
  ];
}

/** The `envoy.config.cluster.v3.Cluster`s that they name. */
export function captureClusters(): readonly object[] {
  return [
    { name: PASSTHROUGH, type: 'ORIGINAL_DST', lb_policy: 'CLUSTER_PROVIDED', connect_timeout: '10s', ...NO_BREAKERS },
    { name: NOWHERE, type: 'STATIC' },
  ];
}

/** What limits a pod's connections is the pod. */
const UNLIMITED = 1_000_000;
const NO_BREAKERS = {
  circuit_breakers: { thresholds: [{ max_connections: UNLIMITED, max_pending_requests: UNLIMITED }] },
};

function captureListener(name: string, port: number, hosts: readonly string[]): object {
  const [address, ...others] = hosts.map((host) => socketAddress({ host, port }));
  return {
    name,
    address,
    ...(others.length > 0 && { additional_addresses: others.map((each) => ({ address: each })) }),
    use_original_dst: true,
    filter_chains: [
      // Somebody connects to the listener itself: passed through, it would come back here, again and again.
      { filter_chain_match: { destination_port: port }, ...tcpChain(name, NOWHERE) },
      tcpChain(name, PASSTHROUGH),
    ],
  };
}

function tcpChain(stat_prefix: string, cluster: string): object {
  const typed_config = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    stat_prefix,
    cluster,
    idle_timeout: '0s',
  };
  return { filters: [{ name: 'envoy.filters.network.tcp_proxy', typed_config }] };
}
