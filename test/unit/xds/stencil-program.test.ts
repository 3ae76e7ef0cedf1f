/** What stencils are written as, against protobufjs: the bytes of the same message without stencils. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { constant } from '../../../src/model/constant.ts';
import { numberMark, Stencil, Stenciled, textMark, withoutStencils } from '../../../src/model/stencil.ts';
import { encodeResource, withEncodedResource } from '../../../src/xds/codec.ts';
import { byProtobufjs } from '../../support/xds/by-protobufjs.ts';
import { decodeMessage } from '../../support/xds/independent.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const CLUSTER = 'envoy.config.cluster.v3.Cluster';

/** Places within texts, within messages that are longer and shorter than 128 bytes, in a struct, and in a constant's stead. */
const CLUSTERS = new Stencil({
  name: textMark(0),
  alt_stat_name: `a-${textMark(1)}--${textMark(0)}€`,
  type: 'EDS',
  load_assignment: {
    cluster_name: `x${textMark(2)}`,
    endpoints: [
      {
        lb_endpoints: [
          { endpoint: { address: { socket_address: { address: textMark(2), port_value: numberMark(3) } } } },
          {
            endpoint: {
              hostname: 'y'.repeat(130),
              address: { socket_address: { address: textMark(1), port_value: numberMark(4) } },
            },
          },
        ],
      },
    ],
  },
  metadata: { filter_metadata: { detour: { copy: textMark(1), other: [textMark(0), 1] } } },
  circuit_breakers: constant({ thresholds: [{ max_retries: 5 }] }),
});

const text = fc.oneof(fc.string({ minLength: 1, maxLength: 300 }), fc.string({ unit: 'binary', minLength: 1, maxLength: 70 }));
const port = fc.oneof(fc.integer({ min: 1, max: 65535 }), fc.integer({ min: 1, max: 4_294_800_000 }));
const values = fc.tuple(text, text, text, port, port);

describe('a stencil', () => {
  it('is written as the message that it stands for', () => {
    fc.assert(
      fc.property(values, (given) => {
        const stenciled = new Stenciled(CLUSTERS, given);
        const plain = withoutStencils<object>(stenciled);
        expect(plain).toMatchObject({ name: given[0], alt_stat_name: `a-${given[1]}--${given[0]}€` });
        expect(withEncodedResource('cluster', stenciled, hex)).toBe(hex(encodeResource('cluster', plain)));
        const any = decodeMessage('google.protobuf.Any', encodeResource('cluster', plain));
        expect(hex(any['value'] as Uint8Array)).toBe(hex(byProtobufjs(CLUSTER, plain))); // of an Any
      }),
      { numRuns: 300 },
    );
  });

  it('may be a part of a message', () => {
    const host = new Stencil({ name: textMark(0), domains: [textMark(0), `*--${textMark(0)}`] });
    const routes = (of: (name: string) => object): object => ({
      name: 'shard-1',
      virtual_hosts: [of('a.example.com'), { name: 'b', domains: ['b'] }, of(`${'c'.repeat(200)}.example.com`)],
    });
    const shorthand = routes((name) => new Stenciled(host, [name]));
    const plain = routes((name) => ({ name, domains: [name, `*--${name}`] }));
    expect(withoutStencils(shorthand)).toEqual(plain);
    expect(withEncodedResource('route', shorthand, hex)).toBe(hex(encodeResource('route', plain)));
  });

  it.each<readonly [string, readonly (string | number)[]]>([
    ['an empty text, whose field has to go', ['', 'b', 'c', 1, 2]],
    ['zero, whose field has to go', ['a', 'b', 'c', 0, 2]],
  ])('leaves what is not there to the message itself: %s', (_, given) => {
    const stenciled = new Stenciled(CLUSTERS, given);
    const plain = withoutStencils<object>(stenciled);
    expect(withEncodedResource('cluster', stenciled, hex)).toBe(hex(encodeResource('cluster', plain)));
  });

  it('is refused as the message is, with a number that is too large and half a character', () => {
    for (const given of [
      ['a', 'b', 'c', 2 ** 32, 2],
      ['a\ud800', 'b', 'c', 1, 2],
    ]) {
      const stenciled = new Stenciled(CLUSTERS, given);
      expect(() => encodeResource('cluster', withoutStencils<object>(stenciled))).toThrow();
      expect(() => withEncodedResource('cluster', stenciled, hex)).toThrow();
    }
  });
});

it('data without stencils is itself', () => {
  const data = { a: [1, 'b', null, { c: true }] };
  expect(withoutStencils(data)).toBe(data);
});
