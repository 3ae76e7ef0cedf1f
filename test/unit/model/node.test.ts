import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type EnvoyProxy, nodeOf, proxyOf } from '../../../src/model/node.ts';

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?$/);
const port = fc.integer({ min: 1, max: 65535 });
const address = fc.record({ host: fc.oneof(fc.ipV4(), fc.constantFrom('::1', '::', 'fd00::12')), port });
const gateway: fc.Arbitrary<EnvoyProxy> = fc.record({
  role: fc.constant('gateway'),
  namespace: label,
  name: label,
  listen: address,
  previewDomain: fc.option(fc.constant('preview.example.com'), { nil: undefined }),
  corsOrigins: fc.array(fc.constantFrom('*', 'https://app.example.com', 'http://localhost:3000', 'null'), { maxLength: 3 }),
});
const edge: fc.Arbitrary<EnvoyProxy> = fc.record({
  role: fc.constant('gateway'),
  namespace: label,
  name: label,
  listen: fc.option(fc.constant({ host: '0.0.0.0', port: 80 }), { nil: undefined }),
  tls: fc.record({
    listen: fc.constant({ host: '::', port: 443 }),
    certificates: fc.uniqueArray(label, { minLength: 1, maxLength: 3 }),
    sdsFolder: fc.constant('/etc/detour'),
    redirectPort: fc.option(port, { nil: undefined }),
  }),
  trustedHops: fc.integer({ min: 0, max: 9 }),
  carriers: fc.constantFrom({ kind: 'strip' }, { kind: 'signed', keysFile: '/etc/detour/signing/keys' }),
  previewDomain: fc.constant(undefined),
  corsOrigins: fc.constant([]),
});
const sidecar: fc.Arbitrary<EnvoyProxy> = fc.record({
  role: fc.constant('sidecar'),
  namespace: label,
  name: fc.tuple(label, label).map((parts) => parts.join('.')),
  inbound: fc.uniqueArray(fc.record({ listen: address, app: address }), { selector: (each) => each.listen.port, maxLength: 3 }),
  outbound: fc.constant(undefined),
  services: fc.array(
    fc.tuple(label, label).map(([namespace, name]): `${string}/${string}` => `${namespace}/${name}`),
    { maxLength: 3 },
  ),
});

const TLS = { listen_tls: '0.0.0.0:443', tls_certificates: ['shop'], tls_sds: '/etc/detour' };
const GATEWAY = { id: 'gateway~shop/edge', metadata: { detour: { listen: '0.0.0.0:8080' } } };
const SIDECAR = { id: 'sidecar~shop/api-0', metadata: {} };
const withDetour = (node: { readonly id: string }, detour: unknown): { id: string; metadata: unknown } => ({
  id: node.id,
  metadata: { detour },
});

describe('a node', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(fc.oneof(gateway, edge, sidecar), (proxy) => {
        // Over the wire, metadata is JSON.
        expect(proxyOf(JSON.parse(JSON.stringify(nodeOf(proxy))))).toEqual(proxy);
      }),
    );
  });

  it('of another kind is a client', () => {
    for (const id of ['', 'grpc~x', 'sidecars~a/b', 'router-7']) expect(proxyOf({ id })).toEqual({ role: 'client', id });
  });

  it('needs no metadata as a sidecar', () => {
    const bare = { role: 'sidecar', namespace: 'shop', name: 'api-0', inbound: [], outbound: undefined, services: [] };
    expect(proxyOf({ id: 'sidecar~shop/api-0' })).toEqual(bare);
    expect(proxyOf({ id: 'sidecar~shop/api-0', metadata: null })).toEqual(bare);
  });

  it('reads capture, which excludes ports of its own', () => {
    const read = (detour: object): unknown => proxyOf({ id: 'sidecar~shop/api-0', metadata: { detour } });
    expect(read({ capture: ['ipv6', 'ipv4', 'ipv6'] })).toMatchObject({ capture: ['ipv6', 'ipv4'] });
    expect(read({ capture: [] })).not.toHaveProperty('capture');
    expect(read({ capture: ['ipv5'] })).toHaveProperty('error');
    expect(read({ capture: 'ipv4' })).toHaveProperty('error');
    expect(read({ capture: ['ipv4'], outbound: '127.0.0.1:15001' })).toHaveProperty('error');
    expect(read({ capture: ['ipv4'], inbound: [{ listen: '0.0.0.0:80', app: '127.0.0.1:8080' }] })).toHaveProperty('error');
  });

  it.each([
    [{ id: 'gateway~' }, 'node.id "gateway~" must be gateway~<namespace>/<name>'],
    [{ id: 'gateway~shop' }, 'must be gateway~<namespace>/<name>'],
    [{ id: 'sidecar~shop/' }, 'must be sidecar~<namespace>/<pod>'],
    [{ id: 'sidecar~Shop/api' }, 'must be sidecar~<namespace>/<pod>'],
    [{ id: 'sidecar~shop/a/b' }, 'must be sidecar~<namespace>/<pod>'],
    [{ id: 'sidecar~shop/a\n' }, 'must be sidecar~<namespace>/<pod>'],
    [{ id: `sidecar~shop/${'a'.repeat(300)}` }, 'must be sidecar~<namespace>/<pod>'],
    [{ id: GATEWAY.id }, 'node.metadata.detour.listen is missing'],
    [withDetour(GATEWAY, 'x'), 'node.metadata.detour "x" must be an object'],
    [withDetour(GATEWAY, { listen: 'localhost:80' }), 'node.metadata.detour.listen "localhost:80" must be IP:PORT'],
    [withDetour(GATEWAY, { listen: '0.0.0.0:0' }), 'must be IP:PORT'],
    [withDetour(GATEWAY, { listen: '0.0.0.0:70000' }), 'must be IP:PORT'],
    [withDetour(GATEWAY, { listen: 80 }), 'must be IP:PORT'],
    [withDetour(GATEWAY, { ...TLS, tls_sds: undefined }), 'go together'],
    [withDetour(GATEWAY, { ...TLS, tls_certificates: [] }), 'go together'],
    [withDetour(GATEWAY, { listen: '0.0.0.0:80', redirect_port: 443 }), 'go together'],
    [withDetour(GATEWAY, { ...TLS, tls_certificates: ['a', 'a'] }), 'names one twice'],
    [withDetour(GATEWAY, { ...TLS, tls_certificates: ['../a'] }), 'must be the name of a Secret'],
    [withDetour(GATEWAY, { ...TLS, tls_sds: 'etc' }), 'must be a path that begins with /'],
    [withDetour(GATEWAY, { ...TLS, redirect_port: 0 }), 'must be a whole number from 1 to 65535'],
    [withDetour(GATEWAY, { listen: '0.0.0.0:80', carriers: 'ignore' }), 'carriers "ignore" must be accept, signed or strip'],
    [withDetour(GATEWAY, { listen: '0.0.0.0:80', carriers: 'signed' }), 'carriers signed and carrier_keys'],
    [withDetour(GATEWAY, { listen: '0.0.0.0:80', carriers: 'strip', carrier_keys: '/keys' }), 'carriers signed and carrier_keys'],
    [withDetour(GATEWAY, { listen: '0.0.0.0:80', carrier_keys: '/keys' }), 'carriers signed and carrier_keys'],
    [
      withDetour(GATEWAY, { listen: '0.0.0.0:80', carriers: 'signed', carrier_keys: 'keys' }),
      'carrier_keys "keys" must be a path that begins with /',
    ],
    [withDetour(GATEWAY, { ...TLS, listen: '0.0.0.0:443' }), 'listen and listen_tls must differ'],
    [withDetour(GATEWAY, { listen: '0.0.0.0:80', trusted_hops: '1' }), 'must be a whole number from 0 to 100'],
    [
      withDetour(GATEWAY, { listen: '0.0.0.0:80', preview_domain: 'Not a name' }),
      'preview_domain "Not a name" must be a DNS name',
    ],
    [withDetour(GATEWAY, { listen: '0.0.0.0:80', preview_domain: 1 }), 'preview_domain 1 must be text'],
    [withDetour(GATEWAY, { listen: '0.0.0.0:80', cors_origins: 'https://a' }), 'cors_origins "https://a" must be a list'],
    [
      withDetour(SIDECAR, { services: Array.from({ length: 1_001 }, () => 'shop/api') }),
      'node.metadata.detour.services has 1001 entries, and may have 1000',
    ],
    [
      withDetour(GATEWAY, { listen: '0.0.0.0:80', cors_origins: ['app.example.com'] }),
      'cors_origins has "app.example.com", which must be an origin',
    ],
    [withDetour(SIDECAR, { inbound: [{ listen: '0.0.0.0:15080' }] }), 'inbound.app undefined must be IP:PORT'],
    [withDetour(SIDECAR, { inbound: ['15080=8080'] }), 'inbound has "15080=8080", which must be {listen, app}'],
    [withDetour(SIDECAR, { egress_carriers: 'strip' }), 'egress_carriers is about captured traffic'],
    [withDetour(SIDECAR, { egress_carriers: 'drop', capture: ['ipv4'] }), 'egress_carriers "drop" must be accept or strip'],
    [withDetour(SIDECAR, { services: ['api'] }), 'services has "api", which must be NAMESPACE/SERVICE'],
    [
      withDetour(SIDECAR, { inbound: [{ listen: '127.0.0.1:15001', app: '127.0.0.1:1' }], outbound: '127.0.0.1:15001' }),
      'names 127.0.0.1:15001 twice',
    ],
  ])('%j says what is wrong', (node, message) => {
    expect(proxyOf(node)).toEqual({ error: expect.stringContaining(message) });
  });

  it.each(['10.0.0.0', '0.0.0.0/0', '10.0.0.0/33', 'fd00::/129', 'a/8', '10.0.0.0/8/8', '10.0.0.0/-1', 'fe80::%lo/10'])(
    'the network %s is none',
    (cidr) => {
      const detour = { egress_carriers: 'strip', capture: ['ipv4'], cluster_cidrs: [cidr] };
      expect(proxyOf(withDetour(SIDECAR, detour))).toEqual({ error: expect.stringContaining('which must be a network') });
    },
  );

  it('says by default that private networks are the cluster', () => {
    const read = proxyOf(withDetour(SIDECAR, { egress_carriers: 'strip', capture: ['ipv4'] }));
    expect(read).toMatchObject({ egress: { clusterCidrs: expect.arrayContaining(['10.0.0.0/8', 'fc00::/7']) } });
    expect(proxyOf(withDetour(SIDECAR, { egress_carriers: 'accept', capture: ['ipv4'] }))).not.toHaveProperty('egress');
  });
});
