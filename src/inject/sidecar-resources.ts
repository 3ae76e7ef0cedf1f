/** What the added containers may take. */
import type { ResourceSetting } from '../annotations/parse-sidecar.ts';
import type { PodShape, Resources } from './pod-shape.ts';

/**
 * A pod whose containers all have equal requests and limits is evicted last, and may have CPUs of its own (QoS
 * `Guaranteed`). So that it stays one, the sidecar of such a pod has as limits what it requests, or the other way round.
 */
export function sidecarResources(setting: ResourceSetting, { containers, initContainers }: PodShape): ResourceSetting {
  const isGuaranteed = [...containers, ...initContainers].every(({ resources }) => hasEqual(resources));
  if (!isGuaranteed) return setting;
  // Without a limit there would be none to be equal to.
  const equal = { cpu: DEFAULT_CPU, memory: DEFAULT_MEMORY, ...setting.requests, ...setting.limits };
  return { requests: equal, limits: equal };
}

const DEFAULT_CPU = '100m';
const DEFAULT_MEMORY = '128Mi';

function hasEqual({ requests, limits }: Resources): boolean {
  return ['cpu', 'memory'].every((name) => {
    const limit = limits[name];
    // A request that is left out is what the limit is.
    return limit !== undefined && limit !== null && String(requests[name] ?? limit) === String(limit);
  });
}
