import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { identityOfNames } from '../../../src/identity/identity.ts';
import { mayBeGateway, misfitOf, misfitOfAccount } from '../../../src/identity/misfit.ts';
import type { Proxy } from '../../../src/model/proxy.ts';
import { Authority } from '../../support/certificates.ts';

const DOMAIN = 'cluster.local';
const of = (names: string | undefined) => identityOfNames(names, DOMAIN);

describe('a certificate', () => {
  test('names a ServiceAccount by its SPIFFE id', () => {
    const id = 'spiffe://cluster.local/ns/shop/sa/api';
    expect(of(`URI:${id}`)).toEqual({ kind: 'spiffe', id, account: 'shop/api' });
    expect(of(`DNS:api.shop.svc, URI:${id}`)).toMatchObject({ account: 'shop/api' });
  });

  test('names a pod by a DNS name of the trust domain, and by no other', () => {
    expect(of('DNS:api-0.shop.cluster.local')).toEqual({
      kind: 'dns',
      names: ['api-0.shop.cluster.local'],
      nodes: ['shop/api-0'],
    });
    expect(of('DNS:a.b.shop.CLUSTER.local')).toMatchObject({ nodes: ['shop/a.b'] });
    for (const name of ['api-0.shop.example.com', 'shop.cluster.local', 'cluster.local', 'api-0.shop.cluster.local.evil.com'])
      expect(of(`DNS:${name}`)).toEqual({ kind: 'dns', names: [name], nodes: [] });
  });

  test.each([
    [undefined, 'has neither a SPIFFE id nor a DNS name'],
    ['', 'has neither a SPIFFE id nor a DNS name'],
    ['email:me@example.com, IP Address:127.0.0.1', 'has neither a SPIFFE id nor a DNS name'],
    ['URI:spiffe://cluster.local/ns/shop/sa/api, URI:spiffe://cluster.local/ns/shop/sa/web', 'has several SPIFFE ids'],
    ['URI:spiffe://other.example/ns/shop/sa/api', 'is of the trust domain other.example, and --trust-domain is cluster.local'],
    ['URI:spiffe://cluster.local/shop/api', 'must be spiffe://cluster.local/ns/…/sa/…'],
    ['URI:spiffe://cluster.local/ns/shop/sa/api/more', 'must be spiffe://cluster.local/ns/…/sa/…'],
    ['URI:spiffe://cluster.local/ns/../sa/api', 'names no ServiceAccount'],
    ['URI:spiffe://cluster.local/ns/a:b/sa/*', 'names no ServiceAccount'],
    // Whatever stands within quotes is one name, and none of ours.
    ['DNS:"x, URI:spiffe://cluster.local/ns/shop/sa/api"', 'has neither a SPIFFE id nor a DNS name'],
    ['URI:"x\\", URI:spiffe://cluster.local/ns/shop/sa/api"', 'has neither a SPIFFE id nor a DNS name'],
  ])('with the names %s names nobody', (names, why) => {
    const identity = of(names);
    expect('mistake' in identity && identity.mistake).toContain(why);
  });

  test('that carries a name within a name is nobody, as node:crypto tells it', () => {
    const { cert } = new Authority().issue({ names: ['DNS:x, URI:spiffe://cluster.local/ns/shop/sa/api'] });
    expect(of(new X509Certificate(cert).subjectAltName)).toHaveProperty('mistake');
  });
});

const sidecar: Proxy = { role: 'sidecar', namespace: 'shop', name: 'api-0', inbound: [], outbound: undefined, services: [] };
const gateway: Proxy = {
  role: 'gateway',
  namespace: 'edge',
  name: 'g-1',
  listen: { host: '0.0.0.0', port: 80 },
  previewDomain: undefined,
  corsOrigins: [],
};
const rules = { gateways: ['detour-system/*', 'edge/gateway', 'edge.example.com', 'spiffe://other/ns/x/sa/y'] };
const token = (account: `${string}/${string}`, pod?: `${string}/${string}`) => ({ kind: 'token', account, pod }) as const;
const spiffe = (account: `${string}/${string}`) =>
  ({ kind: 'spiffe', id: `spiffe://cluster.local/${account}`, account }) as const;

describe('a sidecar', () => {
  test('may be the pod that its token is bound to, and no other', () => {
    expect(misfitOf(token('shop/api', 'shop/api-0'), sidecar, rules)).toBeUndefined();
    for (const pod of ['shop/api-1', 'other/api-0'] as const)
      expect(misfitOf(token('shop/api', pod), sidecar, rules)).toEqual({
        reason: 'node',
        message: `node.id sidecar~shop/api-0 does not fit pod ${pod} (ServiceAccount shop/api): start this Envoy with node.id sidecar~${pod}.`,
      });
    expect(misfitOf(token('shop/api'), sidecar, rules)).toMatchObject({ reason: 'unbound' });
  });

  test('with the certificate of a ServiceAccount may be a pod of that account, and no other', () => {
    const question = misfitOf(spiffe('shop/api'), sidecar, rules);
    expect(question).toEqual({ pod: 'shop/api-0', account: 'shop/api' });
    const asked = { pod: 'shop/api-0', account: 'shop/api' } as const;
    expect(misfitOfAccount(spiffe('shop/api'), asked, 'shop/api')).toBeUndefined();
    expect(misfitOfAccount(spiffe('shop/api'), asked, 'shop/web')?.message).toContain('that pod runs as ServiceAccount shop/web');
    expect(misfitOfAccount(spiffe('shop/api'), asked, undefined)?.message).toContain('there is no such pod');
    expect(misfitOf(spiffe('other/api'), sidecar, rules)).toMatchObject({ reason: 'node' });
  });

  test('with a DNS name may be the pod of that name, and no other', () => {
    expect(misfitOf({ kind: 'dns', names: [], nodes: ['shop/api-0'] }, sidecar, rules)).toBeUndefined();
    expect(misfitOf({ kind: 'dns', names: ['a.shop.x'], nodes: ['shop/a'] }, sidecar, rules)).toMatchObject({ reason: 'node' });
    expect(misfitOf({ kind: 'dns', names: ['a.example.com'], nodes: [] }, sidecar, rules)).toMatchObject({ reason: 'node' });
  });

  test('is nothing that a gateway may be by being one', () => {
    expect(misfitOf(token('edge/gateway', 'edge/g-1'), sidecar, rules)).toMatchObject({ reason: 'node' });
  });
});

describe('a gateway', () => {
  test.each([
    [token('detour-system/any', 'detour-system/p')],
    [token('edge/gateway')],
    [spiffe('edge/gateway')],
    [{ kind: 'spiffe', id: 'spiffe://other/ns/x/sa/y', account: 'x/y' }],
    [{ kind: 'dns', names: ['a', 'edge.example.com'], nodes: [] }],
  ] as const)('may be %o', (identity) => {
    expect(misfitOf(identity, gateway, rules)).toBeUndefined();
    expect(mayBeGateway(identity, rules)).toBe(true);
  });

  test.each([
    [token('edge/other', 'edge/g-1'), 'edge/other'],
    [token('detour-systems/any'), 'detour-systems/any'],
    [token('x/y'), 'x/y'],
    [{ kind: 'dns', names: ['g-1.edge.cluster.local'], nodes: ['edge/g-1'] }, 'g-1.edge.cluster.local'],
  ] as const)('may not be %o, and is told what would let it', (identity, rule) => {
    const misfit = misfitOf(identity, gateway, rules);
    expect(misfit).toMatchObject({ reason: 'gateway' });
    expect(JSON.stringify(misfit)).toContain(`--gateways ${rule}, beside those that it has`);
  });
});

test('a client of another kind only has to be somebody', () => {
  expect(misfitOf(token('shop/api'), { role: 'client', id: 'any' }, rules)).toBeUndefined();
});
