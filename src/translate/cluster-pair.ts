/** A cluster's name → the cluster and its endpoints, made from the Service that it belongs to. */
import type { Address, Intercept, PortModel, ServiceModel } from '../model/intercept.ts';
import { parseSocketAddress } from '../model/socket-address.ts';
import { baselineCluster, type ClusterUser, mirrorCluster, previewCluster } from './clusters.ts';
import { baselineEndpoints, clientEndpoints, previewEndpoints } from './endpoints.ts';
import type { Fallback } from './fallback.ts';
import { type ClusterTarget, clusterName } from './names.ts';
import type { EnvoyResource } from './resource.ts';

export interface ClusterPair {
  readonly cluster: EnvoyResource;
  readonly endpoints: EnvoyResource;
}

/** What a pair is made from: when all of it is what it was, so is the pair. */
export interface PairSource {
  readonly port: PortModel;
  /** Of a preview or a mirror. */
  readonly intercept: Intercept | undefined;
}

/** @returns undefined when the port or the intercept is gone. */
export function pairSource(target: ClusterTarget, service: ServiceModel): PairSource | undefined {
  const port = service.ports.find((each) => each.port === target.port);
  if (port === undefined || target.kind === 'baseline') return port && { port, intercept: undefined };
  const intercept = (target.kind === 'mirror' ? port.mirrors : port.routes).get(target.key);
  return intercept && { port, intercept };
}

/** Whether two sources make the same pair: much cheaper than to make it. */
export function samePair(a: PairSource, b: PairSource): boolean {
  return a.intercept === b.intercept && a.port.protocol === b.port.protocol && a.port.baseline === b.port.baseline;
}

/** @param fallbackOf one object for one list of endpoints. */
export function clusterPair(
  target: ClusterTarget,
  { port, intercept }: PairSource,
  user: ClusterUser,
  fallbackOf: (addresses: readonly Address[]) => Fallback,
): ClusterPair {
  const pair = envoyPair(target, { port, intercept }, user, fallbackOf);
  return user === 'client' ? { ...pair, endpoints: clientEndpoints(pair.endpoints) } : pair;
}

function envoyPair(
  target: ClusterTarget,
  { port, intercept }: PairSource,
  user: ClusterUser,
  fallbackOf: (addresses: readonly Address[]) => Fallback,
): ClusterPair {
  const name = clusterName(target);
  if (target.kind === 'baseline' || intercept === undefined) {
    return {
      cluster: baselineCluster(name, port.protocol, user),
      endpoints: baselineEndpoints(name, port.baseline),
    };
  }
  if (target.kind === 'mirror') {
    return { cluster: mirrorCluster(name, intercept, port.protocol), endpoints: previewEndpoints(name, intercept, undefined) };
  }
  const others = target.app === undefined ? port.baseline : addressesOf(target.app);
  const fallback = intercept.whenUnavailable === 'fail' ? undefined : fallbackOf(others);
  return {
    cluster: previewCluster(name, intercept, port.protocol, user),
    endpoints: previewEndpoints(name, intercept, fallback),
  };
}

function addressesOf(text: string): readonly Address[] {
  const address = parseSocketAddress(text);
  return address === undefined ? [] : [{ ip: address.host, port: address.port }];
}
