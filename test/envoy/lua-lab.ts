/** One Envoy with the Lua filter, hand-made routes, and an upstream that says what reached it. */
import { readFile } from 'node:fs/promises';
import { Agent, createServer, request as httpRequest, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type EnvoyProcess, startEnvoy } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';

export type HeaderList = readonly (readonly [name: string, value: string])[];

export interface LabRequest {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: HeaderList;
}

export interface LabReply {
  readonly status: number;
  /** The route that Envoy took, as the upstream was told; undefined where Envoy answered itself. */
  readonly route: string | undefined;
  /** What reached the upstream, in order; names in lower case. */
  readonly seen: HeaderList;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Lua's own words: the names are those of `settings` in the filter. */
export interface LuaSettings {
  readonly role: 'gateway' | 'inbound' | 'outbound' | 'egress';
  readonly header?: string;
  readonly header_aliases?: readonly string[];
  readonly member?: string;
  readonly member_aliases?: readonly string[];
  readonly preview_domain?: string;
  readonly cors_origins?: readonly string[];
  readonly carriers?: 'strip' | 'signed';
  readonly keys_file?: string;
}

export const SHARDS = 1024;

/** The hash that translation and the filter must agree on. */
export function shardOf(host: string): string {
  let hash = 0;
  for (const byte of Buffer.from(host)) hash = (hash * 65599 + byte) % 2147483647;
  return String(hash % SHARDS);
}

export async function luaText(settings: LuaSettings): Promise<string> {
  const text = (value: string): string => JSON.stringify(value);
  const list = (values: readonly string[] | undefined): string => `{${(values ?? []).map(text).join(', ')}}`;
  const fields = [
    `role = ${text(settings.role)}`,
    `header = ${text(settings.header ?? 'x-detour')}`,
    `member = ${text(settings.member ?? 'detour')}`,
    `header_aliases = ${list(settings.header_aliases)}`,
    `member_aliases = ${list(settings.member_aliases)}`,
    `shards = ${SHARDS}`,
    `preview_domain = ${settings.preview_domain === undefined ? 'nil' : text(settings.preview_domain)}`,
    `cors_origins = ${list(settings.cors_origins)}`,
  ];
  if (settings.carriers !== undefined) fields.push(`carriers = ${text(settings.carriers)}`);
  if (settings.keys_file !== undefined) fields.push(`keys_file = ${text(settings.keys_file)}`);
  const files = ['detour.lua'];
  if (settings.carriers === 'signed') files.push('signed-keys.lua');
  if (settings.carriers !== undefined) files.push('edge.lua');
  const filters = files.map((name) => readFile(new URL(`../../envoy/${name}`, import.meta.url), 'utf8'));
  return `local settings = {${fields.join(', ')}}\n${(await Promise.all(filters)).join('\n')}`;
}

function route(name: string, metadata: object): object {
  return {
    match: { prefix: '/' },
    route: { cluster: 'upstream' },
    metadata: { filter_metadata: { 'envoy.filters.http.lua': metadata } },
    request_headers_to_add: [{ header: { key: 'x-route', value: name }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' }],
  };
}

function routeAction(name: string, metadata: object): object {
  return {
    action: { name, typed_config: { '@type': 'type.googleapis.com/envoy.config.route.v3.Route', ...route(name, metadata) } },
  };
}

function headerInput(name: string): object {
  return {
    name: 'header',
    typed_config: { '@type': 'type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput', header_name: name },
  };
}

export interface LabHost {
  readonly name: string;
  readonly domains: readonly string[];
  /** Value of `x-detour` → route of that name. */
  readonly keys?: readonly string[];
  /** Baggage member → the values that have a route `member=value`; looked at after the keys. */
  readonly members?: Readonly<Record<string, readonly string[]>>;
  /** In place of the list of member names in the metadata. */
  readonly rawMembers?: unknown;
}

/** A virtual host: keys first, then members, then the route `<name>:baseline`. */
export function labHost(host: LabHost): object {
  const names = Object.keys(host.members ?? {});
  const metadata = {
    detour: 'route',
    ...(names.length > 0 && { members: names }),
    ...(host.rawMembers !== undefined && { members: host.rawMembers }),
  };
  const map = (values: readonly string[], name: (value: string) => string): object => ({
    map: Object.fromEntries(values.map((value) => [value, routeAction(`${host.name}:${name(value)}`, metadata)])),
  });
  let matcher = routeAction(`${host.name}:baseline`, metadata);
  for (const [member, values] of Object.entries(host.members ?? {})) {
    const tree = {
      input: headerInput(`x-detour-baggage-${member}`),
      exact_match_map: map(values, (value) => `${member}=${value}`),
    };
    matcher = { matcher: { matcher_tree: tree, on_no_match: matcher } };
  }
  const keys = host.keys ?? ['pr-1'];
  const tree = { input: headerInput('x-detour'), exact_match_map: map(keys, (key) => key) };
  return { name: host.name, domains: host.domains, matcher: { matcher_tree: tree, on_no_match: matcher } };
}

/** For gateways: what the `keys` RouteConfiguration knows. */
export interface LabKeys {
  readonly live: readonly string[];
  readonly hosts?: readonly string[];
}

function keysConfiguration(keys: LabKeys): object {
  const host = (name: string, domains: readonly string[], detour: string): object => ({
    name,
    domains,
    routes: [{ ...route(name, { detour }), match: { prefix: '/' } }],
  });
  return {
    name: 'keys',
    virtual_hosts: [
      ...keys.live.map((key) => host(key, [`${key}--*`], 'live')),
      ...(keys.hosts ?? []).map((name) => host(name, [name], 'host')),
      host('others', ['*'], 'unknown'),
    ],
    ignore_port_in_host_matching: true,
  };
}

export interface LabOptions {
  readonly settings: LuaSettings;
  /** For gateways by the host that decides on the shard, for sidecars in one RouteConfiguration. */
  readonly hosts: readonly { readonly shardHost: string; readonly virtualHost: object }[];
  readonly keys?: LabKeys;
  /** No filter at all, to measure what it costs. */
  readonly bare?: boolean;
}

export class Lab implements AsyncDisposable {
  readonly port: number;
  readonly envoy: EnvoyProcess;
  readonly #upstream: Server;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 8 });

  constructor(port: number, envoy: EnvoyProcess, upstream: Server) {
    this.port = port;
    this.envoy = envoy;
    this.#upstream = upstream;
  }

  ask(request: LabRequest): Promise<LabReply> {
    const headers = [['host', request.host ?? `127.0.0.1:${this.port}`], ...(request.headers ?? [])].flat();
    return new Promise((resolve, reject) => {
      const call = httpRequest(
        {
          port: this.port,
          host: '127.0.0.1',
          agent: this.#agent,
          method: request.method ?? 'GET',
          path: request.path ?? '/',
          headers,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk)).once('error', reject);
          response.once('end', () => {
            const body = Buffer.concat(chunks).toString('utf8');
            const ours = response.headers['x-upstream'] === 'lab';
            const seen: [string, string][] = ours ? JSON.parse(body) : [];
            const taken = seen.find(([name]) => name === 'x-route')?.[1];
            resolve({ status: response.statusCode ?? 0, route: taken, seen, headers: response.headers, body });
          });
        },
      );
      call.once('error', reject).end();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#agent.destroy();
    await this.envoy[Symbol.asyncDispose]();
    this.#upstream.closeAllConnections();
    await new Promise((resolve) => this.#upstream.close(resolve));
  }
}

/** The values of a header that reached the upstream, one for each line. */
export function values(reply: LabReply, name: string): readonly string[] {
  return reply.seen.filter(([each]) => each === name).map(([, value]) => value);
}

export async function startLab(options: LabOptions): Promise<Lab> {
  const upstream = createServer({ maxHeaderSize: 256 * 1024 }, (request, response) => {
    const seen: [string, string][] = [];
    for (let index = 0; index < request.rawHeaders.length; index += 2) {
      seen.push([(request.rawHeaders[index] ?? '').toLowerCase(), request.rawHeaders[index + 1] ?? '']);
    }
    response.setHeader('x-upstream', 'lab').end(JSON.stringify(seen));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  // A TCP server has an AddressInfo.
  const upstreamPort = (upstream.address() as AddressInfo).port;
  const port = await freePort();
  const envoy = await startEnvoy({ config: await labConfig(options, port, upstreamPort) });
  const lab = new Lab(port, envoy, upstream);
  try {
    await until('the listener', async () => (await lab.ask({})).status > 0);
    return lab;
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

function scopedRoutes(options: LabOptions): object {
  const shards = new Map<string, object[]>();
  for (const { shardHost, virtualHost } of options.hosts) {
    const shard = shardOf(shardHost);
    shards.set(shard, [...(shards.get(shard) ?? []), virtualHost]);
  }
  const scope = (name: string, configuration: object): object => ({
    name,
    route_configuration: configuration,
    key: { fragments: [{ string_key: name }] },
  });
  return {
    name: 'shards',
    scope_key_builder: { fragments: [{ header_value_extractor: { name: 'x-detour-shard', element_separator: ',', index: 0 } }] },
    rds_config_source: { ads: {} },
    scoped_route_configurations_list: {
      scoped_route_configurations: [
        ...(options.keys === undefined ? [] : [scope('keys', keysConfiguration(options.keys))]),
        ...[...shards].map(([shard, hosts]) =>
          scope(shard, { name: `shard-${shard}`, virtual_hosts: hosts, ignore_port_in_host_matching: true }),
        ),
      ],
    },
  };
}

const EARLY_MUTATION = {
  name: 'envoy.http.early_header_mutation.header_mutation',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3.HeaderMutation',
    mutations: [{ append: { header: { key: 'x-detour-shard', value: 'keys' }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' } }],
  },
};

async function labConfig(options: LabOptions, port: number, upstreamPort: number): Promise<object> {
  const gateway = options.settings.role === 'gateway';
  const routeConfiguration = {
    name: 'all',
    virtual_hosts: options.hosts.map((host) => host.virtualHost),
    ignore_port_in_host_matching: true,
  };
  const lua = {
    name: 'envoy.filters.http.lua',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua',
      default_source_code: { inline_string: await luaText(options.settings) },
    },
  };
  const router = {
    name: 'envoy.filters.http.router',
    typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' },
  };
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'lab',
    ...(gateway
      ? {
          scoped_routes: scopedRoutes(options),
          early_header_mutation_extensions: [EARLY_MUTATION],
          strip_trailing_host_dot: true,
        }
      : { route_config: routeConfiguration }),
    http_filters: options.bare === true ? [router] : [lua, router],
  };
  return {
    static_resources: {
      listeners: [
        {
          name: 'lab',
          address: { socket_address: { address: '127.0.0.1', port_value: port } },
          filter_chains: [{ filters: [{ name: 'envoy.filters.network.http_connection_manager', typed_config: manager }] }],
        },
      ],
      clusters: [
        {
          name: 'upstream',
          connect_timeout: '1s',
          load_assignment: {
            cluster_name: 'upstream',
            endpoints: [
              {
                lb_endpoints: [{ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: upstreamPort } } } }],
              },
            ],
          },
        },
      ],
    },
  };
}
