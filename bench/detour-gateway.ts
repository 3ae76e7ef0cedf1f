/**
 * What Detour itself makes for a gateway with many previews of one service: its own engine, translation and Lua filter.
 * Only two things are changed, so that nothing but the finding of a route is measured: the resources stand in a static
 * bootstrap, and where a route would go to a cluster Envoy answers with the name of the copy.
 */
import { readFile } from 'node:fs/promises';
import { InterceptEngine } from '../src/intercepts/engine.ts';
import { type CarrierPolicy, DEFAULT_CARRIERS } from '../src/model/carriers.ts';
import type { EnvoyResource, ResourceType } from '../src/translate/resource.ts';
import { createScopeTranslation } from '../src/translate/translate.ts';
import { aPod, aPort, aService, aSlice, puts } from '../test/support/builders.ts';
import { directResponse, previewKey } from './replies.ts';

function lua(name: string): Promise<string> {
  return readFile(new URL(`../envoy/${name}`, import.meta.url), 'utf8');
}

/**
 * A bootstrap without `admin`, listening on `port`, with `previews` previews of the Service behind shop.example.com.
 * @param carriers undefined: they count as they come.
 */
export async function detourGatewayConfig(port: number, previews: number, carriers?: CarrierPolicy): Promise<object> {
  const engine = new InterceptEngine();
  const service = aService({ annotations: { host: 'shop.example.com' }, ports: [aPort({ appProtocol: 'http' })] });
  const pods = Array.from({ length: previews }, (_, index) => aPod({ previewLabel: previewKey(index) }));
  engine.apply(puts(service, aSlice(), ...pods), 0);

  const listen = { host: '127.0.0.1', port };
  const scope = { kind: 'gateway', namespace: 'shop', listen, previewDomain: undefined, corsOrigins: [], carriers } as const;
  const edge = { filter: await lua('edge.lua'), signedKeys: await lua('signed-keys.lua') };
  const translation = createScopeTranslation(scope, { carriers: DEFAULT_CARRIERS, lua: await lua('detour.lua'), edge });
  const changes = translation.update(engine.model, undefined, new Set());
  const resources = changes.map((change) => change.resource).filter((resource) => resource !== undefined);
  return staticBootstrap(resources);
}

function staticBootstrap(resources: readonly EnvoyResource[]): object {
  const messages = (type: ResourceType): readonly object[] =>
    resources.filter((each) => each.type === type).map((each) => each.message);
  const routes = new Map(resources.filter((each) => each.type === 'route').map((each) => [each.name, answering(each.message)]));
  const scopes = messages('scopedRoute').map((message) => {
    const { route_configuration_name, ...rest } = message as Record<string, unknown>;
    return { ...rest, route_configuration: routes.get(String(route_configuration_name)) };
  });
  const listeners = messages('listener').map((listener) => withInlineScopes(listener, scopes));
  return { static_resources: { listeners } };
}

/** The same object with every `scoped_routes` made inline. */
function withInlineScopes(value: unknown, scopes: readonly object[]): unknown {
  return rewrite(value, (fields) => {
    const scoped = fields['scoped_routes'];
    if (typeof scoped !== 'object' || scoped === null) return fields;
    const { scoped_rds: _, rds_config_source: __, ...rest } = scoped as Record<string, unknown>;
    return { ...fields, scoped_routes: { ...rest, scoped_route_configurations_list: { scoped_route_configurations: scopes } } };
  });
}

/** Routes are named `key:pr-1`, `rule:pr-1` or `baseline`. */
function answering(value: unknown): unknown {
  return rewrite(value, (fields) => {
    if (!('match' in fields && 'route' in fields)) return fields;
    const { route: _, ...rest } = fields;
    return { ...rest, direct_response: directResponse(String(fields['name']).replace(/^[a-z]+:/, '')) };
  });
}

function rewrite(value: unknown, change: (fields: Record<string, unknown>) => Record<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((each) => rewrite(each, change));
  if (typeof value !== 'object' || value === null) return value;
  return change(Object.fromEntries(Object.entries(value).map(([name, each]) => [name, rewrite(each, change)])));
}
