/** What the added containers may take. */
import { quantityOf, type ResourceSetting } from '../annotations/parse-sidecar.ts';
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

/**
 * The init step is no Envoy: with a limit that is enough for a small one it would be killed, and the pod would never start.
 * What it requests counts for nothing beside what runs later, since it ends before.
 */
export function initResources({ requests, limits }: ResourceSetting): ResourceSetting {
  const { memory } = limits;
  if (memory === undefined || quantityOf(memory) >= quantityOf(LEAST_MEMORY)) return { requests, limits };
  const isEqual = requests.memory === memory;
  return {
    requests: isEqual ? { ...requests, memory: LEAST_MEMORY } : requests,
    limits: { ...limits, memory: LEAST_MEMORY },
  };
}

const LEAST_MEMORY = '128Mi';

const DEFAULT_CPU = '100m';
const DEFAULT_MEMORY = '128Mi';

function hasEqual({ requests, limits }: Resources): boolean {
  return ['cpu', 'memory'].every((name) => {
    const limit = limits[name];
    // A request that is left out is what the limit is.
    return limit !== undefined && limit !== null && String(requests[name] ?? limit) === String(limit);
  });
}
