import { describe, expect, test } from 'vitest';
import { type ClusterTarget, clusterName, readClusterName } from '../../../src/translate/names.ts';
import { shardOf } from '../../../src/translate/shards.ts';

describe('cluster names', () => {
  const place = { service: 'shop/api', port: 8080 } as const;
  const cases: readonly (readonly [string, ClusterTarget])[] = [
    ['api.shop:8080', { ...place, kind: 'baseline' }],
    ['api.shop:8080/pr-42', { ...place, kind: 'preview', key: 'pr-42', app: undefined }],
    ['api.shop:8080/pr-42+mirror', { ...place, kind: 'mirror', key: 'pr-42' }],
    ['api.shop:8080/pr-42@127.0.0.1:9000', { ...place, kind: 'preview', key: 'pr-42', app: '127.0.0.1:9000' }],
    ['api.shop:8080/pr-42@[::1]:9000', { ...place, kind: 'preview', key: 'pr-42', app: '[::1]:9000' }],
  ];

  test.each(cases)('%s is written and read back', (name, target) => {
    expect(clusterName(target)).toBe(name);
    expect(readClusterName(name)).toEqual(target);
  });

  test.each(['app/127.0.0.1:8080', 'app/[::1]:8080', 'api', 'api.shop', ''])('%j is no cluster of a Service', (name) => {
    expect(readClusterName(name)).toBeUndefined();
  });
});

test('shards: the numbers that the Lua filter comes to', () => {
  expect([shardOf('shop.example.com'), shardOf('pr-42--api.preview.example.com'), shardOf('')]).toEqual([844, 595, 0]);
});
