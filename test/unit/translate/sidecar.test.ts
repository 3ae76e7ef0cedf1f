import { describe, expect, test } from 'vitest';
import type { Listener, RouteConfiguration } from '../../../src/generated/envoy.d.ts';
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import type { PortProtocol } from '../../../src/model/intercept.ts';
import type { Scope } from '../../../src/model/proxy.ts';
import type { ResourceChange } from '../../../src/translate/resource.ts';
import { Translator } from '../../../src/translate/translate.ts';
import { aChange, aModel, aServiceModel } from '../../support/models.ts';

const SETTINGS = { carriers: DEFAULT_CARRIERS, lua: '' };
const NONE: ReadonlySet<never> = new Set();
const inbound = {
  listen: { host: '0.0.0.0', port: 15080 },
  app: { host: '127.0.0.1', port: 8080 },
  services: [{ service: 'shop/api', port: 80 }],
} as const;
const scope = {
  kind: 'sidecar',
  namespace: 'shop',
  inbound: [inbound],
  outbound: { host: '127.0.0.1', port: 15001 },
  services: ['far/store'],
  previews: [],
  inBaselineOf: [],
} as const;

function names(changes: readonly ResourceChange[]): readonly string[] {
  return changes.map(({ type, name, resource }) => `${resource === undefined ? '-' : '+'} ${type} ${name}`);
}

describe('a sidecar', () => {
  test('an intercept moves routes, clusters and endpoints, never a listener', () => {
    const translation = new Translator(SETTINGS).scope(scope);
    translation.update(aModel(), undefined, NONE);
    const model = aModel({ services: [aServiceModel({ ports: [{ intercepts: [{}] }] })] });
    const change = aChange({ services: ['shop/api'], keys: ['pr-42'] });
    expect(names(translation.update(model, change, NONE))).toEqual([
      '+ cluster api.shop:80/pr-42',
      '+ endpoints api.shop:80/pr-42',
      '+ cluster api.shop:80/pr-42@127.0.0.1:8080',
      '+ endpoints api.shop:80/pr-42@127.0.0.1:8080',
      '+ route inbound/0.0.0.0:15080',
      '+ route outbound',
    ]);
  });

  test('a Service that it cannot meet sends nothing', () => {
    const translation = new Translator(SETTINGS).scope(scope);
    translation.update(aModel(), undefined, NONE);
    const elsewhere = aServiceModel({ namespace: 'other', ports: [{ intercepts: [{}] }] });
    const model = aModel({ services: [aServiceModel(), elsewhere] });
    expect(translation.update(model, aChange({ services: ['other/api'], keys: ['pr-42'] }), NONE)).toEqual([]);
    const known = aModel({ services: [aServiceModel(), elsewhere, aServiceModel({ namespace: 'far', name: 'store' })] });
    expect(names(translation.update(known, aChange({ services: ['far/store'] }), NONE))).toEqual([
      '+ cluster store.far:80',
      '+ endpoints store.far:80',
      '+ route outbound',
    ]);
  });

  test('an app never sees the mark, be it the only one that is sent to there', () => {
    const translation = new Translator(SETTINGS).scope({ ...scope, inBaselineOf: ['shop/api'] });
    const changes = translation.update(aModel(), undefined, NONE);
    const routes = changes.find(({ type, name }) => type === 'route' && name === 'inbound/0.0.0.0:15080')?.resource?.message;
    const [host] = (routes as RouteConfiguration | undefined)?.virtual_hosts ?? [];
    expect(host?.domains).toContain('api.shop');
    expect(host?.request_headers_to_add).toBeUndefined();
    expect(host?.routes?.map(({ name, request_headers_to_remove }) => [name, request_headers_to_remove])).toEqual([
      ['decided', ['x-detour-decided']],
      ['baseline', undefined],
      ['baseline', undefined],
    ]);
  });

  test('sidecars of one namespace share what they call', () => {
    const translator = new Translator(SETTINGS);
    const one = translator.scope(scope).update(aModel(), undefined, NONE);
    const two = translator.scope({ ...scope, inbound: [] }).update(aModel(), undefined, NONE);
    const outbound = (changes: readonly ResourceChange[]): unknown =>
      changes.find(({ type, name }) => type === 'route' && name === 'outbound')?.resource;
    expect(outbound(one)).toBeDefined();
    expect(outbound(one)).toBe(outbound(two));
  });

  test('one app behind two ports is one cluster, that says which preview it is', () => {
    const service = aServiceModel({ ports: [{ intercepts: [{}] }] });
    const second = { ...inbound, listen: { host: '0.0.0.0', port: 15081 }, services: [] };
    const own: Scope = { ...scope, inbound: [inbound, second], previews: service.intercepts.map(({ id }) => id) };
    const changes = new Translator(SETTINGS).scope(own).update(aModel({ services: [service] }), undefined, NONE);
    const apps = changes.filter(({ name }) => name.startsWith('app/'));
    expect(names(apps)).toEqual(['+ cluster app/127.0.0.1:8080']);
    expect(JSON.stringify(apps)).toContain('"copy":"pr-42"');
  });

  const protocols: readonly (readonly [readonly PortProtocol[], string])[] = [
    [['http1'], 'HTTP'],
    [['http2'], 'HTTP'],
    [['maybe'], 'looked at'],
    [['opaque'], 'passed'],
    [['opaque', 'maybe'], 'looked at'],
    [['maybe', 'http1'], 'HTTP'],
    [['opaque', 'http2'], 'HTTP'],
    [[], 'passed'],
  ];
  test.each(protocols)('a port of Services that say %j is %s', (said, expected) => {
    const services = said.map((protocol, index) => aServiceModel({ name: `s${index}`, ports: [{ protocol }] }));
    const own: Scope = { ...scope, inbound: [{ ...inbound, services: services.map(({ key }) => ({ service: key, port: 80 })) }] };
    const changes = new Translator(SETTINGS).scope(own).update(aModel({ services }), undefined, NONE);
    const found = changes.find(({ type, name }) => type === 'listener' && name.startsWith('inbound'))?.resource;
    const listener = found?.message as Listener; // its type says so
    const chains = (listener.filter_chains ?? []).map((chain) => chain.filters?.[0]?.name?.split('.').at(-1));
    const kinds: Readonly<Record<string, readonly string[]>> = {
      HTTP: ['http_connection_manager'],
      'looked at': ['http_connection_manager', 'tcp_proxy'],
      passed: ['tcp_proxy'],
    };
    expect(chains).toEqual(kinds[expected]);
    expect(found?.clusters).toEqual(expected === 'HTTP' ? [] : ['app/127.0.0.1:8080']);
  });
});
