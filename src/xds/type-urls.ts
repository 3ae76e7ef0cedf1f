/** What is true of each resource type, in one table. */
import type { ResourceType } from '../translate/resource.ts';

export interface TypeFacts {
  readonly type: ResourceType;
  readonly typeUrl: string;
  /** Full name of the message, as in the descriptor. */
  readonly message: string;
  /**
   * State-of-the-World responses hold all that is subscribed, and what is missing is deleted (W11); an empty list of
   * names in the first request means everything (W5).
   */
  readonly fullState: boolean;
  /** Types whose ACK a removal of this type waits for: they may still point at it (O3, design section 4). */
  readonly removedAfter: readonly ResourceType[];
}

const PREFIX = 'type.googleapis.com/';

function facts(type: ResourceType, message: string, fullState: boolean, removedAfter: readonly ResourceType[]): TypeFacts {
  return { type, typeUrl: PREFIX + message, message, fullState, removedAfter };
}

/** In push order (O1): what is pointed at comes before what points at it. */
export const PUSH_ORDER: readonly TypeFacts[] = [
  facts('cluster', 'envoy.config.cluster.v3.Cluster', true, ['listener', 'scopedRoute', 'route']),
  facts('endpoints', 'envoy.config.endpoint.v3.ClusterLoadAssignment', false, ['cluster']),
  facts('listener', 'envoy.config.listener.v3.Listener', true, []),
  facts('scopedRoute', 'envoy.config.route.v3.ScopedRouteConfiguration', true, []),
  facts('route', 'envoy.config.route.v3.RouteConfiguration', false, ['listener', 'scopedRoute']),
];

const BY_TYPE = new Map(PUSH_ORDER.map((each) => [each.type, each]));
const BY_URL = new Map(PUSH_ORDER.map((each) => [each.typeUrl, each]));

export function factsOf(type: ResourceType): TypeFacts {
  const found = BY_TYPE.get(type);
  if (found === undefined) throw new Error(`The push order lacks the resource type ${type}.`);
  return found;
}

/** undefined for a type that we do not serve (S4). */
export function factsOfUrl(typeUrl: string): TypeFacts | undefined {
  return BY_URL.get(typeUrl);
}
