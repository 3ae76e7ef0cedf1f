/** What translation makes: Envoy resources as ProtoJSON, the form in which Envoy's own YAML is written. */
import type { InterceptId } from '../model/names.ts';

export type ResourceType = 'cluster' | 'endpoints' | 'listener' | 'scopedRoute' | 'route';

export interface EnvoyResource {
  readonly type: ResourceType;
  /** The name that Envoy asks for; for endpoints the `cluster_name`. */
  readonly name: string;
  /** ProtoJSON with snake_case fields, Any as `{'@type': …}`, durations as '1s', wrappers as plain values. */
  readonly message: object;
  /** Clusters that it sends requests to (routes, listeners): they must be there before it, and stay while it does. */
  readonly clusters: readonly string[];
  /** For a cluster: the name of its ClusterLoadAssignment. */
  readonly endpointsName: string | undefined;
  /** Intercepts that shaped it: who may be to blame when Envoy refuses it. */
  readonly intercepts: readonly InterceptId[];
}

/** `resource` is undefined when the name is gone. */
export interface ResourceChange {
  readonly type: ResourceType;
  readonly name: string;
  readonly resource: EnvoyResource | undefined;
}
