/**
 * What others than this machine may ask: a kubelet whether it is well, the other replicas whom it serves, and, where that
 * is wanted, Prometheus.
 */
import { failure, type Route, type Routes } from './http.ts';

export interface HealthRoutesOptions {
  readonly metrics: boolean;
  /** Whether a replica of the control plane has the address. */
  readonly isReplica: (address: string) => Promise<boolean>;
}

const FOR_ALL = ['/healthz', '/readyz'];
/** What replicas ask each other. */
const FOR_REPLICAS = ['/api/replica', '/api/intercepts'];

/** @param routes of the admin endpoint */
export function healthRoutes(routes: Routes, { metrics, isReplica }: HealthRoutesOptions): Routes {
  const pick = (paths: readonly string[], make: (route: Route) => Route): Routes =>
    Object.fromEntries(
      paths.flatMap((path) => {
        const route = routes[path];
        return route === undefined ? [] : [[path, make(route)]];
      }),
    );
  const guarded = ({ answer }: Route): Route => ({
    summary: 'For the other replicas.',
    answer: async (query, asker) => {
      if (await isReplica(asker)) return answer(query, asker);
      return failure(403, `${asker} is no replica of this control plane.`, 'Ask on the admin port, by a port-forward.');
    },
  });
  return { ...pick([...FOR_ALL, ...(metrics ? ['/metrics'] : [])], (route) => route), ...pick(FOR_REPLICAS, guarded) };
}
