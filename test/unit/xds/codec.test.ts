import { describe, expect, it } from 'vitest';
import type { Filter, Listener } from '../../../src/generated/envoy.d.ts';
import { decodeDeltaRequest, decodeSotwRequest, encodeResource } from '../../../src/xds/codec.ts';
import { encode } from '../../../src/xds/resource.ts';
import { deltaResponse, sotwResponse } from '../../../src/xds/wire.ts';
import { decodeMessage, encodeRequest, unpack } from '../../support/xds/independent.ts';

const ROUTER = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } as const;

const cluster = {
  name: 'api',
  type: 'EDS',
  connect_timeout: '1.5s',
  eds_cluster_config: { service_name: 'api-eds', eds_config: { ads: {}, resource_api_version: 'V3' } },
  circuit_breakers: { thresholds: [{ max_retries: 1000 }] },
};

const listener = {
  name: 'in',
  filter_chains: [
    {
      filters: [
        {
          name: 'hcm',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
            stat_prefix: 'in',
            http_filters: [
              {
                name: 'router',
                typed_config: {
                  '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
                  suppress_envoy_headers: true,
                },
              },
            ],
          },
        },
      ],
    },
  ],
};

const resource = (name: string, message: object) =>
  encode({ type: 'cluster', name, message, clusters: [], endpointsName: undefined, intercepts: [] });

describe('encoding of resources', () => {
  it('is what another decoder reads: durations, wrappers, enums', () => {
    const any = decodeMessage('google.protobuf.Any', encodeResource('cluster', cluster));
    expect(any.type_url).toBe('type.googleapis.com/envoy.config.cluster.v3.Cluster');
    expect(unpack(any)).toMatchObject({
      name: 'api',
      type: 'EDS',
      connect_timeout: { seconds: 1, nanos: 500_000_000 },
      eds_cluster_config: { service_name: 'api-eds', eds_config: { resource_api_version: 'V3' } },
      circuit_breakers: { thresholds: [{ max_retries: { value: 1000 } }] },
    });
  });

  it('packs an Any within an Any', () => {
    const decoded = unpack(decodeMessage('google.protobuf.Any', encodeResource('listener', listener)));
    const manager = unpack(decoded.filter_chains[0].filters[0].typed_config);
    expect(manager.stat_prefix).toBe('in');
    expect(unpack(manager.http_filters[0].typed_config).suppress_envoy_headers).toBe(true);
  });

  it('refuses an unknown field, an unknown enum value and two members of a oneof, and says which', () => {
    expect(() => resource('x', { ...cluster, conect_timeout: '1s' })).toThrow(/cluster x .*Cluster.*conect_timeout/);
    expect(() => resource('x', { ...cluster, type: 'EDDS' })).toThrow(/EDDS/);
    expect(() => encodeResource('route', { virtual_hosts: [{ routes: [{ match: { prefix: '/', path: '/a' } }] }] })).toThrow(
      /oneof path_specifier/,
    );
  });

  it('gives one version to equal content, in whatever order maps and fields were filled (C5)', () => {
    const one = { name: 'c', metadata: { filter_metadata: { a: { x: 1, y: 2 }, b: { z: [{ p: 1, q: 2 }] } } } };
    const other = { metadata: { filter_metadata: { b: { z: [{ q: 2, p: 1 }] }, a: { y: 2, x: 1 } } }, name: 'c' };
    const different = { ...one, name: 'd' };
    expect(resource('c', one).version).toBe(resource('c', other).version);
    expect(resource('c', one).version).not.toBe(resource('c', different).version);
    expect(resource('c', one).version).toMatch(/^[\w-]{12}$/);
  });

  it('sorts maps inside a nested Any too', () => {
    const matcher = (keys: readonly string[]) => ({
      virtual_hosts: [
        {
          name: 'v',
          domains: ['*'],
          matcher: {
            matcher_tree: {
              input: {
                name: 'i',
                typed_config: {
                  '@type': 'type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput',
                  header_name: 'k',
                },
              },
              exact_match_map: {
                map: Object.fromEntries(
                  keys.map((key) => [
                    key,
                    {
                      action: {
                        name: 'a',
                        typed_config: { '@type': 'type.googleapis.com/google.protobuf.StringValue', value: key },
                      },
                    },
                  ]),
                ),
              },
            },
          },
        },
      ],
    });
    expect(encodeResource('route', matcher(['b', 'a', 'c']))).toEqual(encodeResource('route', matcher(['a', 'b', 'c'])));
  });
});

describe('responses put together from encoded parts', () => {
  const resources = [resource('one', { name: 'one' }), resource('two', { name: 'two', alt_stat_name: 'x'.repeat(300) })];
  const parts = { typeUrl: 'type.googleapis.com/envoy.config.cluster.v3.Cluster', nonce: 'n-1', version: 'v-9', resources };

  it('read as a DiscoveryResponse; every resource has its type (S5)', () => {
    const decoded = decodeMessage('envoy.service.discovery.v3.DiscoveryResponse', sotwResponse({ ...parts, removed: [] }));
    expect(decoded).toMatchObject({ version_info: 'v-9', nonce: 'n-1', type_url: parts.typeUrl });
    expect(decoded.resources.map((any: { type_url: string }) => any.type_url)).toEqual([parts.typeUrl, parts.typeUrl]);
    expect(decoded.resources.map(unpack).map((each: { name: string }) => each.name)).toEqual(['one', 'two']);
  });

  it('read as a DeltaDiscoveryResponse, with versions and removed names (N12)', () => {
    const removed = ['gone', 'äöü'];
    const decoded = decodeMessage('envoy.service.discovery.v3.DeltaDiscoveryResponse', deltaResponse({ ...parts, removed }));
    expect(decoded).toMatchObject({
      system_version_info: 'v-9',
      nonce: 'n-1',
      type_url: parts.typeUrl,
      removed_resources: removed,
    });
    expect(decoded.resources).toMatchObject(resources.map(({ name, version }) => ({ name, version })));
    expect(unpack(decoded.resources[1].resource).alt_stat_name).toHaveLength(300);
  });
});

describe('the generated types', () => {
  it('know the fields of a message and of what is in its Any', () => {
    const right: Listener = { name: 'l', filter_chains: [{ filters: [{ name: 'router', typed_config: ROUTER }] }] };
    // @ts-expect-error no such field
    const wrongField: Listener = { nam: 'l' };
    // @ts-expect-error the router has no such field
    const wrongInside: Filter = { name: 'r', typed_config: { ...ROUTER, suppres_headers: true } };
    expect([right, wrongField, wrongInside]).toHaveLength(3);
  });
});

describe('decoding of requests', () => {
  const node = {
    id: 'gateway~shop/edge',
    cluster: 'edge',
    user_agent_name: 'envoy',
    metadata: { fields: { detour: { structValue: { fields: { listen: { stringValue: '0.0.0.0:80' } } } } } },
  };

  it('reads a State-of-the-World request', () => {
    const bytes = encodeRequest('DiscoveryRequest', {
      node,
      type_url: 't',
      resource_names: ['a', 'b'],
      version_info: '1',
      response_nonce: '2',
      error_detail: { code: 3, message: 'no' },
    });
    const { names, ...request } = decodeSotwRequest(bytes);
    expect([...names]).toEqual(['a', 'b']);
    expect(request).toEqual({
      node: { id: 'gateway~shop/edge', cluster: 'edge', userAgent: 'envoy', metadata: { detour: { listen: '0.0.0.0:80' } } },
      typeUrl: 't',
      version: '1',
      nonce: '2',
      error: 'no',
    });
  });

  it('reads a delta request', () => {
    const bytes = encodeRequest('DeltaDiscoveryRequest', {
      type_url: 't',
      resource_names_subscribe: ['a'],
      resource_names_unsubscribe: ['b'],
      initial_resource_versions: { c: 'v' },
    });
    const { subscribe, unsubscribe, initialVersions, ...request } = decodeDeltaRequest(bytes);
    expect([[...subscribe], [...unsubscribe], [...initialVersions]]).toEqual([['a'], ['b'], [['c', 'v']]]);
    expect(request).toEqual({
      node: undefined,
      typeUrl: 't',
      nonce: '',
      error: undefined,
    });
  });

  it('keeps an error without a message an error (N7)', () => {
    const bytes = encodeRequest('DiscoveryRequest', { type_url: 't', error_detail: { code: 13 } });
    expect(decodeSotwRequest(bytes).error).toBe('code 13');
  });
});
