/** Resources as a control plane would send them → a bootstrap that has them from the start. */
import type {
  Any,
  Cluster,
  ClusterLoadAssignment,
  HttpConnectionManager,
  Listener,
  RouteConfiguration,
  ScopedRouteConfiguration,
} from '../../src/generated/envoy.d.ts';
import { RE2_MAX_PROGRAM_SIZE } from '../../src/model/re2.ts';
import type { EnvoyResource, ResourceType } from '../../src/translate/resource.ts';

/** Without `admin`. Listeners for gRPC clients become ordinary ones on any port, so that Envoy looks at them too. */
export function staticConfig(resources: readonly EnvoyResource[]): object {
  return {
    static_resources: {
      listeners: messages<Listener>(resources, 'listener').map((listener) => withInlineRoutes(listener, resources)),
      clusters: messages<Cluster>(resources, 'cluster').map((cluster) => withInlineEndpoints(cluster, resources)),
    },
    layered_runtime: {
      layers: [{ name: 'detour', static_layer: { 're2.max_program_size.error_level': RE2_MAX_PROGRAM_SIZE } }],
    },
  };
}

/** The type says which message it is. */
function messages<Message extends object>(resources: readonly EnvoyResource[], type: ResourceType): readonly Message[] {
  return resources.filter((each) => each.type === type).map((each) => each.message as Message);
}

function find<Message extends object>(
  resources: readonly EnvoyResource[],
  type: ResourceType,
  name: string | undefined,
): Message {
  const found = resources.find((each) => each.type === type && each.name === name);
  if (found === undefined) throw new Error(`no ${type} is called ${name}`);
  return found.message as Message; // The type says which message it is.
}

function withInlineEndpoints(cluster: Cluster, resources: readonly EnvoyResource[]): Cluster {
  if (cluster.type !== 'EDS') return cluster;
  const { eds_cluster_config: _, ...rest } = cluster;
  return { ...rest, type: 'STATIC', load_assignment: find<ClusterLoadAssignment>(resources, 'endpoints', cluster.name) };
}

function withInlineRoutes(listener: Listener, resources: readonly EnvoyResource[]): Listener {
  const { api_listener, ...rest } = listener;
  if (api_listener?.api_listener !== undefined) {
    const filter = { name: 'manager', typed_config: inlineManager(api_listener.api_listener, resources) };
    const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
    return { ...rest, address, filter_chains: [{ filters: [filter] }] };
  }
  const filter_chains = (listener.filter_chains ?? []).map((chain) => ({
    ...chain,
    filters: (chain.filters ?? []).map((filter) =>
      filter.typed_config === undefined ? filter : { ...filter, typed_config: inlineManager(filter.typed_config, resources) },
    ),
  }));
  return { ...rest, filter_chains };
}

const MANAGER = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

function inlineManager(any: Any, resources: readonly EnvoyResource[]): Any {
  if (any['@type'] !== MANAGER) return any;
  const { rds, scoped_routes, ...rest } = any;
  if (rds !== undefined) {
    return { ...rest, route_config: find<RouteConfiguration>(resources, 'route', rds.route_config_name) };
  }
  if (scoped_routes === undefined) return any;
  const { scoped_rds: _, ...scoped } = scoped_routes;
  const scoped_route_configurations = messages<ScopedRouteConfiguration>(resources, 'scopedRoute').map(
    ({ route_configuration_name, ...scope }) => ({
      ...scope,
      route_configuration: find<RouteConfiguration>(resources, 'route', route_configuration_name),
    }),
  );
  const manager: HttpConnectionManager = {
    ...rest,
    scoped_routes: { ...scoped, scoped_route_configurations_list: { scoped_route_configurations } },
  };
  return { ...manager, '@type': MANAGER };
}
