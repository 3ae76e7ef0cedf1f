import { describe, expect, test } from 'vitest';
import type { Cluster, Listener, RouteConfiguration } from '../../../src/generated/envoy.d.ts';
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import type { InterceptModel } from '../../../src/model/intercept.ts';
import type { EnvoyResource, ResourceChange } from '../../../src/translate/resource.ts';
import { scopeKey, scopeOf } from '../../../src/translate/scope.ts';
import { type ScopeTranslation, Translator } from '../../../src/translate/translate.ts';
import { aChange, aModel, aServiceModel } from '../../support/models.ts';

const SETTINGS = { carriers: DEFAULT_CARRIERS, lua: '' };
const NONE: ReadonlySet<never> = new Set();
const proxy = {
  ...({ role: 'sidecar', namespace: 'shop', name: 'api-0', inbound: [], outbound: undefined, services: [] } as const),
  capture: ['ipv4', 'ipv6'],
} as const;
const API_PORT = { port: 8080, service: 'shop/api', servicePort: 80 } as const;
const CLUSTER_IPS = ['10.96.0.1'];

function start(model: InterceptModel): { readonly translation: ScopeTranslation; readonly first: readonly ResourceChange[] } {
  const translation = new Translator(SETTINGS).scope(scopeOf(proxy, model));
  return { translation, first: translation.update(model, undefined, NONE) };
}

function names(changes: readonly ResourceChange[]): readonly string[] {
  return changes.map(({ type, name, resource }) => `${resource === undefined ? '-' : '+'} ${type} ${name}`);
}

function find<Message>(changes: readonly ResourceChange[], type: EnvoyResource['type'], name: string): Message {
  const found = changes.find((change) => change.type === type && change.name === name)?.resource;
  return found?.message as Message; // its type and name say so
}

describe('the sidecar of a captured pod', () => {
  const api = aServiceModel({ clusterIPs: CLUSTER_IPS });
  const pods = { 'shop/api-0': { ports: [API_PORT], previews: [], inBaselineOf: [] } };

  test('has a listener for each HTTP port of Services, and of the pod, that binds none', () => {
    const { first } = start(aModel({ services: [api], pods }));
    expect(names(first).toSorted()).toEqual([
      '+ cluster original-destination',
      '+ listener captured/80',
      '+ listener captured/8080',
      '+ route inbound/0.0.0.0:8080',
      '+ route outbound/80',
    ]);
    const listener = find<Listener>(first, 'listener', 'captured/8080');
    expect(listener).toMatchObject({
      bind_to_port: false,
      address: { socket_address: { address: '0.0.0.0', port_value: 8080 } },
    });
    expect(listener.additional_addresses).toEqual([{ address: { socket_address: { address: '::', port_value: 8080 } } }]);
    expect(listener.filter_chains?.map((chain) => chain.filter_chain_match?.source_type)).toEqual(['EXTERNAL', 'EXTERNAL']);
    const outbound = find<Listener>(first, 'listener', 'captured/80').filter_chains;
    expect(outbound?.map((chain) => chain.filter_chain_match?.source_type)).toEqual(['SAME_IP_OR_LOOPBACK']);
  });

  describe('that takes carriers from what leaves the cluster', () => {
    const egress = { clusterCidrs: ['10.0.0.0/8', '10.1.0.0/8', 'fd00::/8'] };
    const translation = (model: InterceptModel): readonly ResourceChange[] =>
      new Translator(SETTINGS).scope(scopeOf({ ...proxy, egress }, model)).update(model, undefined, NONE);
    const networks = (first: readonly ResourceChange[], name: string): readonly string[] =>
      (find<Listener>(first, 'listener', name).filter_chains ?? []).map(({ filter_chain_match: match }) =>
        [match?.source_type, ...(match?.prefix_ranges ?? []).map((each) => `${each.address_prefix}/${each.prefix_len}`)].join(
          ' ',
        ),
      );

    test('tells by their addresses what that is, and the pod is called by any', () => {
      const first = translation(aModel({ services: [api], pods }));
      expect(networks(first, 'captured/80')).toEqual([
        'SAME_IP_OR_LOOPBACK 10.0.0.0/8 fd00::/8',
        'SAME_IP_OR_LOOPBACK 0.0.0.0/0 ::/0',
      ]);
      expect(networks(first, 'captured/8080')).toEqual([
        'EXTERNAL 10.0.0.0/8 fd00::/8 0.0.0.0/0 ::/0',
        'EXTERNAL 10.0.0.0/8 fd00::/8 0.0.0.0/0 ::/0',
      ]);
    });

    test('looks at port 80 where no Service is at it', () => {
      expect(names(translation(aModel({}))).toSorted()).toEqual([
        '+ cluster original-destination',
        '+ listener captured/80',
        '+ route outbound/80',
      ]);
    });
  });

  test('knows nothing of ports that are not HTTP, of hosts elsewhere, or of its own listeners', () => {
    const opaque = aServiceModel({ name: 'db', clusterIPs: CLUSTER_IPS, ports: [{ port: 5432, protocol: 'opaque' }] });
    const external = aServiceModel({ name: 'far', external: true, ports: [{ port: 90 }] });
    const own = aServiceModel({ name: 'odd', clusterIPs: CLUSTER_IPS, ports: [{ port: 15001 }, { port: 15006 }] });
    expect(names(start(aModel({ services: [opaque, external, own] })).first)).toEqual(['+ cluster original-destination']);
  });

  test('listens where the pods do, for a Service without an address of its own', () => {
    const headless = aServiceModel({ clusterIPs: [], ports: [{ port: 80, baseline: [{ ip: '10.0.0.9', port: 9090 }] }] });
    expect(names(start(aModel({ services: [headless] })).first)).toContain('+ listener captured/9090');
  });

  test('an intercept moves routes, clusters and endpoints, never a listener', () => {
    const { translation } = start(aModel({ services: [api], pods }));
    const changed = aServiceModel({ clusterIPs: CLUSTER_IPS, ports: [{ intercepts: [{}] }] });
    const changes = translation.update(
      aModel({ services: [changed], pods }),
      aChange({ services: ['shop/api'], keys: ['pr-42'] }),
      NONE,
    );
    expect(names(changes)).toEqual([
      '+ cluster api.shop:80/pr-42',
      '+ endpoints api.shop:80/pr-42',
      '+ cluster api.shop:80/pr-42@192.0.2.1:8080',
      '+ endpoints api.shop:80/pr-42@192.0.2.1:8080',
      '+ route inbound/0.0.0.0:8080',
      '+ route outbound/80',
    ]);
    const { virtual_hosts } = find<RouteConfiguration>(changes, 'route', 'outbound/80');
    expect(virtual_hosts?.map(({ domains }) => domains?.[0])).toEqual(['api', '*']);
  });

  test('a Service without intercepts costs nothing but its port number', () => {
    const { translation } = start(aModel({ services: [api], pods }));
    const same = aServiceModel({ name: 'other', clusterIPs: ['10.96.0.2'] });
    expect(translation.update(aModel({ services: [api, same], pods }), aChange({ services: ['shop/other'] }), NONE)).toEqual([]);
    const another = aServiceModel({ name: 'third', clusterIPs: ['10.96.0.3'], ports: [{ port: 9000 }] });
    const added = translation.update(
      aModel({ services: [api, same, another], pods }),
      aChange({ services: ['shop/third'] }),
      NONE,
    );
    expect(names(added)).toEqual(['+ route outbound/9000', '+ listener captured/9000']);
    const left = translation.update(aModel({ services: [api], pods }), aChange({ services: ['shop/other', 'shop/third'] }), NONE);
    expect(names(left)).toEqual(['- listener captured/9000', '- route outbound/9000']);
  });

  test('port numbers of other namespaces count where they are usual, named, or have live intercepts', () => {
    const far = (intercepts: readonly object[]): ReturnType<typeof aServiceModel> =>
      aServiceModel({
        namespace: 'far',
        name: 'store',
        clusterIPs: ['10.96.0.9'],
        ports: [{ port: 7000, intercepts }, { port: 8080 }],
      });
    const { translation, first } = start(aModel({ services: [far([])] }));
    expect(names(first).filter((name) => name.includes('listener'))).toEqual(['+ listener captured/8080']);
    const change = aChange({ services: ['far/store'], keys: ['pr-42'] });
    expect(names(translation.update(aModel({ services: [far([{}])] }), change, NONE))).toEqual([
      '+ cluster store.far:7000/pr-42',
      '+ endpoints store.far:7000/pr-42',
      '+ route outbound/7000',
      '+ listener captured/7000',
    ]);
    expect(names(translation.update(aModel({ services: [far([])] }), change, NONE))).toContain('- listener captured/7000');
    const named = { ...proxy, services: ['far/store'] } as const;
    const model = aModel({ services: [far([])] });
    const own = new Translator(SETTINGS).scope(scopeOf(named, model)).update(model, undefined, NONE);
    expect(names(own)).toContain('+ listener captured/7000');
  });

  test('what is not detoured goes on to where it was going, and says that the baseline answered', () => {
    const intercepts = [{ percent: 25, rule: [] }];
    const { first } = start(aModel({ services: [aServiceModel({ clusterIPs: CLUSTER_IPS, ports: [{ intercepts }] })], pods }));
    const text = JSON.stringify(find<RouteConfiguration>(first, 'route', 'outbound/80'));
    expect(text).not.toContain('"cluster":"api.shop:80"');
    const [, shares = ''] = text.split('"weighted_clusters"');
    expect(shares).toMatch(/"name":"api.shop:80\/pr-42","weight":25.*%UPSTREAM_METADATA/);
    expect(shares).toMatch(/"name":"original-destination","weight":75,"response_headers_to_add":[^\]]*"value":"baseline"/);
  });

  test('is the same for all pods of a Service, whatever their addresses', () => {
    const model = aModel({ services: [api], pods: { ...pods, 'shop/api-1': pods['shop/api-0'] } });
    expect(scopeKey(scopeOf({ ...proxy, name: 'api-1' }, model))).toBe(scopeKey(scopeOf(proxy, model)));
    expect(scopeKey(scopeOf({ ...proxy, capture: ['ipv4'] }, model))).not.toBe(scopeKey(scopeOf(proxy, model)));
  });

  test('sends names of headers on as they came', () => {
    const { first } = start(aModel({ services: [api], pods }));
    expect(JSON.stringify(find<Cluster>(first, 'cluster', 'original-destination'))).toContain('preserve_case');
    expect(JSON.stringify(find<Listener>(first, 'listener', 'captured/80'))).toContain('preserve_case');
  });

  test('that drains sends on to where they were going all requests of ports that it has nothing to do with any more', () => {
    const { translation } = start(aModel({ services: [] }));
    const read = (name: string) => translation.leftover?.(name)?.message as RouteConfiguration | undefined; // of routes alone
    expect(read('inbound/0.0.0.0:8080')).toMatchObject({
      name: 'inbound/0.0.0.0:8080',
      virtual_hosts: [
        {
          domains: ['*'],
          routes: [
            {
              match: { prefix: '/' },
              route: { cluster: 'original-destination' },
              request_headers_to_remove: ['x-detour-decided'],
            },
          ],
        },
      ],
    });
    expect(read('outbound/80')).toMatchObject({ name: 'outbound/80', virtual_hosts: [{ domains: ['*'] }] });
    for (const name of [
      'outbound',
      'outbound/0',
      'outbound/080',
      'outbound/65536',
      'inbound/10.0.0.1:80',
      'x/80',
      'outbound/80/',
    ])
      expect(read(name)).toBeUndefined();
  });
});
