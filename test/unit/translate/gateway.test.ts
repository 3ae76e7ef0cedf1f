import { describe, expect, test } from 'vitest';
import type { Cluster, ClusterLoadAssignment, RouteConfiguration } from '../../../src/generated/envoy.d.ts';
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import type { InterceptModel } from '../../../src/model/intercept.ts';
import type { Scope } from '../../../src/model/proxy.ts';
import type { EnvoyResource, ResourceChange } from '../../../src/translate/resource.ts';
import { shardName, shardOf } from '../../../src/translate/shards.ts';
import { Translator } from '../../../src/translate/translate.ts';
import { aChange, aHost, aModel, aServiceModel } from '../../support/models.ts';

const SETTINGS = { carriers: DEFAULT_CARRIERS, lua: 'the filter' };
const NONE: ReadonlySet<never> = new Set();
const scope: Scope = {
  kind: 'gateway',
  namespace: 'shop',
  listen: { host: '0.0.0.0', port: 8080 },
  previewDomain: undefined,
  corsOrigins: [],
};

function names(changes: readonly ResourceChange[]): readonly string[] {
  return changes.map(({ type, name, resource }) => `${resource === undefined ? '-' : '+'} ${type} ${name}`);
}

function find<Message>(changes: readonly ResourceChange[], type: EnvoyResource['type'], name: string): Message {
  const found = changes.find((each) => each.type === type && each.name === name)?.resource;
  if (found === undefined) throw new Error(`no ${type} ${name} among ${names(changes).join(', ')}`);
  return found.message as Message; // The caller names the type twice.
}

describe('a gateway', () => {
  const before = aModel({ hosts: [aHost()] });
  const shard = shardName(shardOf('shop.example.com'));

  test('2,000 hosts: a preview sends its cluster, its endpoints, the keys and one shard; its end takes them back', () => {
    const services = Array.from({ length: 2_000 }, (_, index) => aServiceModel({ name: `s${index}` }));
    const hosts = services.map(({ name, key }) => aHost({ host: `${name}.example.com`, paths: { '/': key } }));
    const translation = new Translator(SETTINGS).scope(scope);
    const all = translation.update(aModel({ services, hosts }), undefined, NONE);
    expect(all.filter(({ type }) => type === 'route').length).toBeLessThanOrEqual(1025);
    const own = shardName(shardOf('s7.example.com'));
    const previewed = services.with(7, aServiceModel({ name: 's7', ports: [{ intercepts: [{}] }] }));
    const change = aChange({ services: ['shop/s7'], keys: ['pr-42'] });
    expect(names(translation.update(aModel({ services: previewed, hosts }), change, NONE))).toEqual([
      '+ cluster s7.shop:80/pr-42',
      '+ endpoints s7.shop:80/pr-42',
      '+ route keys',
      `+ route ${own}`,
    ]);
    expect(names(translation.update(aModel({ services, hosts }), change, NONE))).toEqual([
      '- cluster s7.shop:80/pr-42',
      '- endpoints s7.shop:80/pr-42',
      '+ route keys',
      `+ route ${own}`,
    ]);
  });

  test('pods that come and go send endpoints and nothing else', () => {
    const translation = new Translator(SETTINGS).scope(scope);
    const withPods = (ports: readonly number[]): InterceptModel =>
      aModel({
        services: [aServiceModel({ ports: [{ intercepts: [{ endpoints: ports.map((port) => ({ ip: '10.0.1.1', port })) }] }] })],
        hosts: [aHost()],
      });
    translation.update(withPods([1]), undefined, NONE);
    const change = aChange({ services: ['shop/api'] });
    expect(names(translation.update(withPods([1, 2]), change, NONE))).toEqual(['+ endpoints api.shop:80/pr-42']);
    expect(names(translation.update(withPods([]), change, NONE))).toEqual(['+ endpoints api.shop:80/pr-42']);
    expect(names(translation.update(withPods([]), change, NONE))).toEqual([]);
  });

  test('a host comes and goes with its shard and its clusters', () => {
    const translation = new Translator(SETTINGS).scope(scope);
    translation.update(aModel(), undefined, NONE);
    const change = aChange({ hosts: ['shop.example.com'] });
    const own = ['cluster api.shop:80', 'endpoints api.shop:80'];
    const came = [...own, `route ${shard}`, `scopedRoute ${shard}`];
    expect(names(translation.update(before, change, NONE))).toEqual(came.map((each) => `+ ${each}`));
    const went = [...own, `scopedRoute ${shard}`, `route ${shard}`];
    expect(names(translation.update(aModel(), change, NONE))).toEqual(went.map((each) => `- ${each}`));
  });

  test('gateways on other addresses get the same objects, but for the listener', () => {
    const translator = new Translator(SETTINGS);
    const model = aModel({ services: [aServiceModel({ ports: [{ intercepts: [{}] }] })], hosts: [aHost()] });
    const one = translator.scope(scope).update(model, undefined, NONE);
    const two = translator.scope({ ...scope, listen: { host: '0.0.0.0', port: 81 } }).update(model, undefined, NONE);
    const shared = one.filter(({ type, name, resource }) =>
      two.some((each) => each.type === type && each.name === name && each.resource === resource),
    );
    expect(one.filter((each) => !shared.includes(each)).map(({ type }) => type)).toEqual(['listener']);
  });

  test('an excluded intercept is as if it were not there, and comes back', () => {
    const translation = new Translator(SETTINGS).scope(scope);
    const model = aModel({ services: [aServiceModel({ ports: [{ intercepts: [{}, { key: 'pr-7' }] }] })], hosts: [aHost()] });
    translation.update(model, undefined, NONE);
    const bad = model.services.get('shop/api')?.intercepts.filter(({ key }) => key === 'pr-42') ?? [];
    const change = aChange({ services: ['shop/api'] });
    const without = translation.update(model, change, new Set(bad.map(({ id }) => id)));
    expect(names(without)).toEqual(['- cluster api.shop:80/pr-42', '- endpoints api.shop:80/pr-42', `+ route ${shard}`]);
    expect(JSON.stringify(find(without, 'route', shard))).not.toContain('pr-42');
    expect(names(translation.update(model, change, NONE))).toEqual([
      '+ cluster api.shop:80/pr-42',
      '+ endpoints api.shop:80/pr-42',
      `+ route ${shard}`,
    ]);
  });

  test('who may be to blame for a resource, and what it sends to', () => {
    const service = aServiceModel({
      ports: [{ intercepts: [{}, { key: 'pr-7', mode: 'mirror' }, { key: 'pr-8', percent: 3 }] }],
    });
    const changes = new Translator(SETTINGS)
      .scope(scope)
      .update(aModel({ services: [service], hosts: [aHost()] }), undefined, NONE);
    const ids = service.intercepts.map(({ id }) => id);
    const route = changes.find(({ type, name }) => type === 'route' && name === shard)?.resource;
    expect(route?.intercepts).toEqual(ids);
    expect(route?.clusters).toEqual(['api.shop:80', 'api.shop:80/pr-42', 'api.shop:80/pr-7+mirror', 'api.shop:80/pr-8']);
    for (const type of ['cluster', 'endpoints'] as const) {
      const own = changes.find((each) => each.type === type && each.name === 'api.shop:80/pr-42')?.resource;
      expect(own?.intercepts).toEqual(ids.filter((id) => id.includes('/pr-42/')));
      expect(own?.endpointsName).toBe(type === 'cluster' ? 'api.shop:80/pr-42' : undefined);
    }
  });

  test('the baseline has neither retries nor outlier detection, nor a breaker that could open', () => {
    const changes = new Translator(SETTINGS).scope(scope).update(before, undefined, NONE);
    const cluster = find<Cluster>(changes, 'cluster', 'api.shop:80');
    expect(cluster.outlier_detection).toBeUndefined();
    expect(cluster.circuit_breakers?.thresholds?.[0]?.max_requests).toBe(1_000_000);
    const [host] = find<RouteConfiguration>(changes, 'route', shard).virtual_hosts ?? [];
    expect(host?.retry_policy).toBeUndefined();
    // Plain routes: one for requests that carry a key, for the stamp, and one for the others.
    expect(host?.routes?.map((route) => [route.match?.headers?.[0]?.name, route.response_headers_to_add?.length])).toEqual([
      ['x-detour', 1],
      [undefined, undefined],
    ]);
  });

  test('a preview falls back to the baseline; with fail it does not, and pods found dead get nothing', () => {
    const intercepts = [{}, { key: 'strict', whenUnavailable: 'fail' }] as const;
    const model = aModel({ services: [aServiceModel({ ports: [{ intercepts }] })], hosts: [aHost()] });
    const changes = new Translator(SETTINGS).scope(scope).update(model, undefined, NONE);
    const groups = (key: string): readonly number[] =>
      (find<ClusterLoadAssignment>(changes, 'endpoints', `api.shop:80/${key}`).endpoints ?? []).map(
        ({ priority }) => priority ?? -1,
      );
    expect([groups('pr-42'), groups('strict')]).toEqual([[0, 1], [0]]);
    const panic = (key: string): unknown => find<Cluster>(changes, 'cluster', `api.shop:80/${key}`).common_lb_config;
    expect([panic('pr-42'), panic('strict')]).toEqual([undefined, { healthy_panic_threshold: { value: 0 } }]);
  });
});

describe('addresses of previews', () => {
  const domain: Scope = { ...scope, previewDomain: 'p.example.com' };
  const intercepts = [{}];
  const hostsOf = (changes: readonly ResourceChange[]): readonly string[] =>
    changes
      .flatMap(({ type, resource }) =>
        type === 'route' && resource !== undefined ? ((resource.message as RouteConfiguration).virtual_hosts ?? []) : [],
      )
      .flatMap((host) => host.domains ?? [])
      .filter((host) => host.endsWith('p.example.com'))
      .sort();

  test('two Services that come to one address: that of the own namespace has it', () => {
    const here = aServiceModel({ name: 'a--b', ports: [{ intercepts }] });
    const there = aServiceModel({ name: 'a', namespace: 'b', ports: [{ intercepts }] });
    const translation = new Translator(SETTINGS).scope(domain);
    const changes = translation.update(aModel({ services: [here, there] }), undefined, NONE);
    const host = 'pr-42--a--b.p.example.com';
    expect(hostsOf(changes)).toEqual([host]);
    const clusters = (all: readonly ResourceChange[]): readonly string[] =>
      all.filter(({ type, resource }) => type === 'cluster' && resource !== undefined).map(({ name }) => name);
    expect(clusters(changes)).toEqual(['a--b.shop:80/pr-42']);
    const next = translation.update(aModel({ services: [there] }), aChange({ services: [here.key] }), NONE);
    expect([hostsOf(next), clusters(next)]).toEqual([[host], ['a.b:80/pr-42']]);
  });

  test('a declared host keeps its name', () => {
    const host = 'pr-42--api.p.example.com';
    const model = aModel({
      services: [aServiceModel({ ports: [{ intercepts }] }), aServiceModel({ name: 'web' })],
      hosts: [aHost({ host, previewUrls: false, paths: { '/': 'shop/web' } })],
    });
    const changes = new Translator(SETTINGS).scope(domain).update(model, undefined, NONE);
    expect(find<RouteConfiguration>(changes, 'route', shardName(shardOf(host))).virtual_hosts).toHaveLength(1);
    expect(JSON.stringify(changes.filter(({ name }) => name === shardName(shardOf(host))))).toContain('web.shop:80');
  });

  test('a host that another namespace declares takes no address', () => {
    const host = 'pr-42--api.p.example.com';
    const declared = aHost({ host, previewUrls: false, paths: { '/': 'mallory/web' } });
    const model = aModel({
      services: [aServiceModel({ ports: [{ intercepts }] }), aServiceModel({ name: 'web', namespace: 'mallory' })],
      hosts: [{ ...declared, namespace: 'mallory' }],
    });
    const translation = new Translator(SETTINGS).scope(domain);
    const clusters = (all: readonly ResourceChange[]): string =>
      JSON.stringify(all.filter(({ name }) => name === shardName(shardOf(host))));
    expect(clusters(translation.update(model, undefined, NONE))).not.toContain('web.mallory:80');
    // Whose it was it is again, once there is no such address.
    const without = aModel({
      services: [aServiceModel(), ...[...model.services.values()].slice(1)],
      hosts: [...model.hosts.values()],
    });
    expect(clusters(translation.update(without, aChange({ services: ['shop/api'] }), NONE))).toContain('web.mallory:80');
  });

  test('no address outside its namespace for a Service that could be read as another one of another namespace', () => {
    const names = (name: string, namespace: string): readonly string[] => {
      const model = aModel({ services: [aServiceModel({ name, namespace, ports: [{ intercepts }] })] });
      return hostsOf(new Translator(SETTINGS).scope(domain).update(model, undefined, NONE));
    };
    expect(names('a--b', 'c')).toEqual([]);
    expect(names('a', 'b--c')).toEqual([]);
    expect(names('a', 'c')).toEqual(['pr-42--a--c.p.example.com']);
    expect(names('a--b', 'shop')).toEqual(['pr-42--a--b.p.example.com']);
  });

  test('no address whose label would be longer than DNS allows', () => {
    const name = 'a'.repeat(60);
    const model = aModel({ services: [aServiceModel({ name, ports: [{ intercepts }] })] });
    expect(hostsOf(new Translator(SETTINGS).scope(domain).update(model, undefined, NONE))).toEqual([]);
  });
});
