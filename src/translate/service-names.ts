/** All the names by which callers may know a Service: the virtual host's domains. */
import type { ServiceModel } from '../model/intercept.ts';
import { hostText } from './names.ts';

/** Without ports. @param short also by its bare name, which means it to callers of its own namespace. */
export function serviceNames(service: ServiceModel, short: boolean): readonly string[] {
  const dotted = `${service.name}.${service.namespace}`;
  const own = short ? [service.name] : [];
  const full = `${dotted}.svc.cluster.local`;
  // With the dot behind it a resolver does not try its search domains first: some callers write it so.
  return [...own, dotted, `${dotted}.svc`, full, `${full}.`, ...service.clusterIPs.map(hostText)];
}
