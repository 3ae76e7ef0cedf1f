import { describe, expect, test } from 'vitest';
import type { Proxy } from '../../../src/model/proxy.ts';
import { scopeKey, scopeOf } from '../../../src/translate/scope.ts';
import { aModel, aServiceModel } from '../../support/models.ts';

const at = (port: number): { readonly host: string; readonly port: number } => ({ host: '0.0.0.0', port });
const sidecar = (over: Partial<Extract<Proxy, { role: 'sidecar' }>> = {}): Proxy => ({
  role: 'sidecar',
  namespace: 'shop',
  name: 'api-0',
  inbound: [{ listen: at(15080), app: at(8080) }],
  outbound: undefined,
  services: [],
  ...over,
});
const gateway: Proxy = {
  role: 'gateway',
  namespace: 'shop',
  name: 'edge-1',
  listen: at(80),
  previewDomain: undefined,
  corsOrigins: [],
};
const tls = { listen: at(443), certificates: ['a', 'b'], sdsFolder: '/etc/envoy', redirectPort: 443 };
const [own] = aServiceModel({ ports: [{ intercepts: [{}] }] }).intercepts;

describe('scopes', () => {
  const model = aModel({
    pods: {
      'shop/api-0': {
        ports: [
          { port: 15080, service: 'shop/b', servicePort: 80 },
          { port: 8080, service: 'shop/a', servicePort: 81 },
          { port: 15080, service: 'shop/a', servicePort: 80 },
          { port: 8080, service: 'shop/a', servicePort: 80 },
          { port: 9090, service: 'shop/other', servicePort: 80 },
        ],
        previews: own === undefined ? [] : [own.id],
        inBaselineOf: ['shop/a'],
      },
    },
  });

  test("a sidecar's ports belong to the Services that lead to where it listens, or to its app", () => {
    const scope = scopeOf(sidecar(), model);
    expect(scope).toMatchObject({ kind: 'sidecar', previews: [own?.id], inBaselineOf: ['shop/a'] });
    expect(scope.kind === 'sidecar' && scope.inbound[0]?.services).toEqual([
      { service: 'shop/a', port: 80 },
      { service: 'shop/a', port: 81 },
      { service: 'shop/b', port: 80 },
    ]);
  });

  test('a pod that nobody knows has ports and no Services', () => {
    const scope = scopeOf(sidecar({ name: 'nobody' }), model);
    expect(scope).toMatchObject({ previews: [], inBaselineOf: [], inbound: [{ services: [] }] });
  });

  test('gateways that differ in name alone share a scope, and so do pods of one Deployment', () => {
    expect(scopeKey(scopeOf({ ...gateway, name: 'edge-2' }, model))).toBe(scopeKey(scopeOf(gateway, model)));
    const pods = ['one', 'two'].map((name) => scopeKey(scopeOf(sidecar({ name }), model)));
    expect(pods[0]).toBe(pods[1]);
  });

  test('what changes what is sent changes the key', () => {
    const proxies: readonly Proxy[] = [
      { role: 'client', id: 'a' },
      gateway,
      { ...gateway, namespace: 'other' },
      { ...gateway, listen: at(81) },
      { ...gateway, tls },
      { ...gateway, listen: undefined, tls },
      { ...gateway, tls: { ...tls, listen: at(444) } },
      { ...gateway, tls: { ...tls, certificates: ['b', 'a'] } },
      { ...gateway, tls: { ...tls, sdsFolder: '/etc/other' } },
      { ...gateway, tls: { ...tls, redirectPort: undefined } },
      { ...gateway, trustedHops: 1 },
      { ...gateway, previewDomain: 'preview.example.com' },
      { ...gateway, corsOrigins: ['*'] },
      sidecar(),
      sidecar({ name: 'nobody' }),
      sidecar({ namespace: 'other' }),
      sidecar({ outbound: at(15001) }),
      sidecar({ services: ['far/store'] }),
      sidecar({ inbound: [{ listen: at(15080), app: at(8081) }] }),
      sidecar({ inbound: [] }),
    ];
    expect(new Set(proxies.map((proxy) => scopeKey(scopeOf(proxy, model)))).size).toBe(proxies.length);
  });

  test('services are a set: their order and repetition mean nothing', () => {
    const key = (services: readonly ('far/a' | 'far/b')[]): string => scopeKey(scopeOf(sidecar({ services }), model));
    expect(key(['far/b', 'far/a', 'far/b'])).toBe(key(['far/a', 'far/b']));
  });

  test('gateways that make something else of carriers have scopes of their own', () => {
    const keys = [undefined, { kind: 'strip' }, { kind: 'signed', keysFile: '/a' }, { kind: 'signed', keysFile: '/b' }] as const;
    const scopes = keys.map((carriers) => scopeKey(scopeOf({ ...gateway, ...(carriers && { carriers }) }, model)));
    expect(new Set(scopes).size).toBe(4);
    expect(scopeKey(scopeOf({ ...gateway, carriers: undefined }, model))).toBe(scopes[0]);
  });
});
