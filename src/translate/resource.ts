/** What translation makes: Envoy resources as ProtoJSON, the form in which Envoy's own YAML is written. */
import type { InterceptId } from '../model/names.ts';
import { sameData } from '../model/same-data.ts';
import { withoutStencils } from '../model/stencil.ts';

export type ResourceType = 'cluster' | 'endpoints' | 'listener' | 'scopedRoute' | 'route';

export interface EnvoyResource {
  readonly type: ResourceType;
  /** The name that Envoy asks for; for endpoints the `cluster_name`. */
  readonly name: string;
  /** ProtoJSON with snake_case fields, Any as `{'@type': …}`, durations as '1s', wrappers as plain values. */
  readonly message: object;
  /** The same message with stencils in it, where there are thousands like it: cheaper to make, and to encode. */
  readonly shorthand?: object;
  /** Clusters that it sends requests to (routes, listeners): they must be there before it, and stay while it does. */
  readonly clusters: readonly string[];
  /** For a cluster: the name of its ClusterLoadAssignment. */
  readonly endpointsName: string | undefined;
  /** Intercepts that shaped it: who may be to blame when Envoy refuses it. */
  readonly intercepts: readonly InterceptId[];
}

/**
 * A resource whose message is made each time that it is asked for, from what is there anyway: it is asked for once, to be
 * encoded, and a large cluster has tens of thousands of them. Who makes one keeps it: another object is another resource.
 */
export class RemadeResource implements EnvoyResource {
  readonly type: ResourceType;
  readonly name: string;
  readonly clusters: readonly string[];
  readonly endpointsName: string | undefined;
  readonly intercepts: readonly InterceptId[];
  readonly #make: () => object;

  /** @param make its {@link EnvoyResource.shorthand}, which may well be the message itself. */
  constructor(facts: Omit<EnvoyResource, 'message' | 'shorthand'>, make: () => object) {
    this.type = facts.type;
    this.name = facts.name;
    this.clusters = facts.clusters;
    this.endpointsName = facts.endpointsName;
    this.intercepts = facts.intercepts;
    this.#make = make;
  }

  get message(): object {
    return withoutStencils(this.#make());
  }

  get shorthand(): object {
    return this.#make();
  }
}

/** `previous` where it says the same. */
export function keepResource(previous: EnvoyResource | undefined, next: EnvoyResource): EnvoyResource {
  const isSame =
    previous !== undefined &&
    previous.endpointsName === next.endpointsName &&
    sameData(previous.intercepts, next.intercepts) &&
    sameData(previous.clusters, next.clusters) &&
    sameData(previous.message, next.message);
  return isSame ? previous : next;
}

/** `resource` is undefined when the name is gone. */
export interface ResourceChange {
  readonly type: ResourceType;
  readonly name: string;
  readonly resource: EnvoyResource | undefined;
}
