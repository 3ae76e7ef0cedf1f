import { describe, expect, it } from 'vitest';
import { type Claim, NodeClaims } from '../../../src/xds/node-claims.ts';

const aClaim = (over: Partial<Claim> = {}): Claim => ({
  nodeId: 'sidecar~shop/api-0',
  role: 'sidecar',
  peer: '10.0.0.1:1000',
  typeUrl: undefined,
  ...over,
});

describe('claims of a node', () => {
  it('contradict when an older stream goes on to speak beside one from elsewhere: told once, and true of both', () => {
    const claims = new NodeClaims();
    const [older, younger] = [aClaim(), aClaim({ peer: '10.0.0.2:1000' })];
    expect(claims.heard(older)).toBeUndefined();
    expect(claims.heard(younger)).toBeUndefined();
    expect(claims.heard(younger)).toBeUndefined();
    expect(claims.rivals(younger)).toEqual([]);
    expect(claims.heard(older)).toBe(younger);
    expect(claims.heard(older)).toBeUndefined();
    expect(claims.rivals(older)).toEqual(['10.0.0.2:1000']);
    expect(claims.rivals(younger)).toEqual(['10.0.0.1:1000']);
  });

  it('are at peace again when one of two has ended, and not while there is a third', () => {
    const claims = new NodeClaims();
    const all = ['10.0.0.1:1', '10.0.0.2:1', '10.0.0.3:1'].map((peer) => aClaim({ peer }));
    const [first, second, third] = all;
    if (first === undefined || second === undefined || third === undefined) throw new Error('There are three.');
    for (const claim of [...all, first, first, second]) claims.heard(claim);
    expect(claims.rivals(first)).toEqual(['10.0.0.2:1', '10.0.0.3:1']);
    claims.ended(second);
    expect(claims.rivals(first)).toEqual(['10.0.0.3:1']);
    claims.ended(first);
    expect(claims.rivals(third)).toEqual([]);
    expect(claims.heard(third)).toBeUndefined();
  });

  it.each([
    ['other nodes', { nodeId: 'sidecar~shop/api-1', peer: '10.0.0.2:1' }],
    ['streams for other types, on a connection of their own', { typeUrl: 'type.googleapis.com/a', peer: '10.0.0.1:2' }],
    ['another stream on the same connection', {}],
  ])('do not contradict: %s', (_, over) => {
    const claims = new NodeClaims();
    const [one, other] = [aClaim(), aClaim(over)];
    for (const claim of [one, other, one]) expect(claims.heard(claim)).toBeUndefined();
  });

  it('are free for clients that route for themselves', () => {
    const claims = new NodeClaims();
    const [one, other] = ['10.0.0.1:1', '10.0.0.2:1'].map((peer) => aClaim({ nodeId: 'grpc', role: 'client', peer }));
    for (const claim of [one, other, one]) if (claim !== undefined) expect(claims.heard(claim)).toBeUndefined();
  });
});
