import { describe, expect, it } from 'vitest';
import { baselineEndpoints, preferredIp, readyEndpoints } from '../../../src/intercepts/endpoints.ts';
import type { EndpointSlice } from '../../../src/model/cluster-state.ts';
import type { ObjectKey } from '../../../src/model/names.ts';
import { anEndpoint, aSlice } from '../../support/builders.ts';

const nobody: ReadonlySet<ObjectKey> = new Set();
const draining = { ready: false, serving: true, terminating: true };
const unready = { ready: false, serving: false };

function ipsOf(slices: readonly EndpointSlice[], leaked = nobody, port = 'http'): readonly string[] {
  return baselineEndpoints(slices, port, leaked).addresses.map(({ ip }) => ip);
}

describe('the endpoints of a baseline', () => {
  it('are the ready ones, sorted, with the port that the slice says', () => {
    const slices = [
      aSlice({
        name: 'b',
        endpoints: [anEndpoint({ addresses: ['10.0.0.3'] }), anEndpoint({ addresses: ['10.0.0.4'], ...unready })],
      }),
      aSlice({ name: 'a', ports: [{ name: 'http', port: 9090 }], endpoints: [anEndpoint({ addresses: ['10.0.0.2'] })] }),
    ];
    expect(baselineEndpoints(slices, 'http', nobody).addresses).toEqual([
      { ip: '10.0.0.2', port: 9090 },
      { ip: '10.0.0.3', port: 8080 },
    ]);
    expect(ipsOf(slices.toReversed())).toEqual(ipsOf(slices));
  });

  it('are those that serve while they terminate, where none is ready', () => {
    const old = anEndpoint({ addresses: ['10.0.0.1'], ...draining });
    const dead = anEndpoint({ addresses: ['10.0.0.2'], ready: false, serving: false, terminating: true });
    expect(ipsOf([aSlice({ endpoints: [old, dead] })])).toEqual(['10.0.0.1']);
    expect(ipsOf([aSlice({ endpoints: [old, dead, anEndpoint({ addresses: ['10.0.0.3'] })] })])).toEqual(['10.0.0.3']);
  });

  it('are none where none serves', () => {
    expect(ipsOf([aSlice({ endpoints: [anEndpoint(unready)] })])).toEqual([]);
    expect(ipsOf([])).toEqual([]);
  });

  it('of a dual-stack pod are one, the IPv4 one', () => {
    const v6 = aSlice({ name: 'v6', addressType: 'IPv6', endpoints: [anEndpoint({ addresses: ['fd00::1'], pod: 'shop/a' })] });
    const v4 = aSlice({ name: 'v4', endpoints: [anEndpoint({ addresses: ['10.0.0.1'], pod: 'shop/a' })] });
    expect(ipsOf([v6, v4])).toEqual(['10.0.0.1']);
    expect(ipsOf([v4, v6])).toEqual(['10.0.0.1']);
    expect(ipsOf([v6])).toEqual(['fd00::1']);
    const low = aSlice({ name: 'v6', addressType: 'IPv6', endpoints: [anEndpoint({ addresses: ['1000::1'], pod: 'shop/b' })] });
    const high = aSlice({ name: 'v4', endpoints: [anEndpoint({ addresses: ['99.0.0.1'], pod: 'shop/b' })] });
    expect(ipsOf([low, high])).toEqual(['99.0.0.1']);
  });

  it('of a pod that two slices disagree on are the one that is ready', () => {
    const stale = aSlice({ name: 'a', endpoints: [anEndpoint({ addresses: ['10.0.0.1'], pod: 'shop/a', ...unready })] });
    const fresh = aSlice({ name: 'b', endpoints: [anEndpoint({ addresses: ['10.0.0.1'], pod: 'shop/a' })] });
    expect(ipsOf([stale, fresh])).toEqual(['10.0.0.1']);
    expect(ipsOf([fresh, stale])).toEqual(['10.0.0.1']);
  });

  it('without a targetRef are told apart by address', () => {
    const twice = aSlice({ name: 'a', endpoints: [anEndpoint(), anEndpoint()] });
    expect(ipsOf([twice, aSlice({ name: 'b', endpoints: [anEndpoint(), anEndpoint({ addresses: ['10.0.0.2'] })] })])).toEqual([
      '10.0.0.1',
      '10.0.0.2',
    ]);
  });

  it('are of slices with a port of that name only, and never names', () => {
    const slices = [
      aSlice({ name: 'a', ports: [{ name: 'admin', port: 9000 }] }),
      aSlice({ name: 'b', addressType: 'FQDN', endpoints: [anEndpoint({ addresses: ['api.example.com'] })] }),
    ];
    expect(ipsOf(slices)).toEqual([]);
    expect(ipsOf(slices, nobody, 'admin')).toEqual(['10.0.0.1']);
  });

  it.each([
    { name: 'leave leaked pods out', others: { ready: true }, withoutLeaked: true, ips: ['10.0.0.1'] },
    { name: 'prefer even their own draining pods to leaked ones', others: draining, withoutLeaked: true, ips: ['10.0.0.1'] },
    { name: 'keep leaked pods where none else would be left', others: unready, withoutLeaked: false, ips: ['10.0.0.9'] },
  ])('$name', ({ others, withoutLeaked, ips }) => {
    const leak = anEndpoint({ addresses: ['10.0.0.9'], pod: 'shop/leak' });
    const slices = [aSlice({ endpoints: [anEndpoint({ pod: 'shop/own', ...others }), leak] })];
    const found = baselineEndpoints(slices, 'http', new Set<ObjectKey>(['shop/leak']));
    expect(found.withoutLeaked).toBe(withoutLeaked);
    expect(found.addresses.map(({ ip }) => ip)).toEqual(ips);
  });

  it('were not changed by leaked pods that are not among them', () => {
    expect(baselineEndpoints([aSlice()], 'http', new Set<ObjectKey>(['shop/leak'])).withoutLeaked).toBe(false);
  });
});

describe('the endpoints of a preview outside the cluster', () => {
  it('leave as soon as they are not ready', () => {
    const slices = [aSlice({ endpoints: [anEndpoint(), anEndpoint({ addresses: ['10.0.0.2'], ...draining })] })];
    expect(readyEndpoints(slices, 'http')).toEqual([{ ip: '10.0.0.1', port: 8080 }]);
    expect(readyEndpoints([aSlice({ endpoints: [anEndpoint(draining)] })], 'http')).toEqual([]);
  });
});

describe('the address of a pod', () => {
  it.each([
    [['fd00::1', '10.0.0.1'], '10.0.0.1'],
    [['fd00::1'], 'fd00::1'],
    [[], undefined],
  ])('of %j is %s', (ips, ip) => {
    expect(preferredIp(ips)).toBe(ip);
  });
});
