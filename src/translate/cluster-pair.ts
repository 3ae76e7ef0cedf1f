/** A cluster's name → the cluster and its endpoints, made from the Service that it belongs to. */
import type { Address, PortModel, ServiceModel } from '../model/intercept.ts';
import { parseSocketAddress } from '../model/socket-address.ts';
import { baselineCluster, type ClusterUser, mirrorCluster, previewCluster } from './clusters.ts';
import { baselineEndpoints, clientEndpoints, previewEndpoints } from './endpoints.ts';
import type { ClusterTarget } from './names.ts';
import type { EnvoyResource } from './resource.ts';

export interface ClusterPair {
  readonly cluster: EnvoyResource;
  readonly endpoints: EnvoyResource;
}

/** @returns undefined when the port or the intercept is gone. */
export function clusterPair(
  name: string,
  target: ClusterTarget,
  service: ServiceModel,
  user: ClusterUser,
): ClusterPair | undefined {
  const port = service.ports.find((each) => each.port === target.port);
  if (port === undefined) return undefined;
  const pair = pairOf(name, target, port, user);
  return pair === undefined || user !== 'client' ? pair : { ...pair, endpoints: clientEndpoints(pair.endpoints) };
}

function pairOf(name: string, target: ClusterTarget, port: PortModel, user: ClusterUser): ClusterPair | undefined {
  if (target.kind === 'baseline') {
    return {
      cluster: baselineCluster(name, port.protocol, user),
      endpoints: baselineEndpoints(name, port.baseline),
    };
  }
  if (target.kind === 'mirror') {
    const intercept = port.mirrors.get(target.key);
    if (intercept === undefined) return undefined;
    return { cluster: mirrorCluster(name, intercept, port.protocol), endpoints: previewEndpoints(name, intercept, []) };
  }
  const intercept = port.routes.get(target.key);
  if (intercept === undefined) return undefined;
  const fallback = intercept.whenUnavailable === 'fail' ? [] : target.app === undefined ? port.baseline : addressesOf(target.app);
  return {
    cluster: previewCluster(name, intercept, port.protocol, user),
    endpoints: previewEndpoints(name, intercept, fallback),
  };
}

function addressesOf(text: string): readonly Address[] {
  const address = parseSocketAddress(text);
  return address === undefined ? [] : [{ ip: address.host, port: address.port }];
}
