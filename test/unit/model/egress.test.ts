import { expect, it } from 'vitest';
import { clusterRanges, DEFAULT_CLUSTER_CIDRS } from '../../../src/model/egress.ts';

const ranges = (...clusterCidrs: readonly string[]): readonly string[] =>
  clusterRanges({ clusterCidrs }).map(({ address_prefix, prefix_len }) => `${address_prefix}/${prefix_len}`);

it.each<[readonly string[], readonly string[]]>([
  [DEFAULT_CLUSTER_CIDRS, DEFAULT_CLUSTER_CIDRS],
  [['10.0.0.0/8', '10.1.0.0/8'], ['10.0.0.0/8']],
  [['10.0.0.0/8', '10.0.0.0/08'], ['10.0.0.0/8']],
  [
    ['10.1.0.0/16', '192.168.0.0/16', '10.0.0.0/8'],
    ['192.168.0.0/16', '10.0.0.0/8'],
  ],
  [['fd00::/8', 'FD00:0::1/8', 'fd97::/16'], ['fd00::/8']],
  [
    ['::/1', '8000::/1', '10.0.0.0/8', '128.0.0.0/1'],
    ['::/1', '8000::/1', '10.0.0.0/8', '128.0.0.0/1'],
  ],
])('of the networks %j these are told to Envoy, in their order: %j', (cidrs, told) => {
  expect(ranges(...cidrs)).toEqual(told);
});
