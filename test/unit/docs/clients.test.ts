/** The page of clients: it names those versions that the tests run. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ENVOY_VERSION } from '../../../src/cli/envoy-binary.ts';
import { OLDER_ENVOYS } from '../../../tools/clients/envoys.ts';

function read(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
}

function versionIn(path: string, pattern: RegExp): string {
  const version = pattern.exec(read(path))?.[1];
  if (version === undefined) throw new Error(`${path} has no ${pattern}`);
  return version;
}

const page = read('docs/xds-conformance.md');

test.each([
  ...[...Object.values(OLDER_ENVOYS), ENVOY_VERSION].map((version) => ['Envoy', version] as const),
  ['gRPC for Go', versionIn('test/support/clients/go/go.mod', /google\.golang\.org\/grpc v(\S+)/)],
  ['gRPC for Python', versionIn('test/support/clients/python/requirements.txt', /^grpcio==(\S+)/m)],
  ['gRPC for Node', versionIn('package.json', /"@grpc\/grpc-js-xds": "([^"]+)"/)],
] as const)('%s %s', (client, version) => {
  const row = page.split('\n').find((line) => line.startsWith(`| ${client}`) && line.includes(`| ${version} |`));
  expect(row).toBeDefined();
});
