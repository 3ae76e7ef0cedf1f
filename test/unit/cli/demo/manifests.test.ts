import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { manifests } from '../../../../src/cli/demo/manifests.ts';
import { PORTS, shopOn } from '../../../../src/cli/demo/shop.ts';

const shop = shopOn(
  Array.from({ length: PORTS }, (_, index) => 20_000 + index),
  8080,
  19_000,
);

test('one file for the baseline and one for each preview, all good YAML', () => {
  const kinds = Object.fromEntries(
    [...manifests(shop)].map(([file, text]) => [file, parseAllDocuments(text).map((document) => document.toJS().kind)]),
  );
  expect(kinds).toEqual({
    'baseline.yaml': ['Service', 'EndpointSlice', 'Service', 'EndpointSlice', 'Service', 'EndpointSlice'],
    'pr-42.yaml': ['Pod'],
    'pr-7.yaml': ['Pod', 'Pod'],
  });
});

test('every pod has ports of its own', () => {
  const ports = shop.pods.flatMap(({ app, inbound, outbound, envoyAdmin }) => [app, inbound, outbound, envoyAdmin]);
  expect(new Set([...ports, shop.gateway.envoyAdmin, shop.controlPlane.xds]).size).toBe(PORTS);
});
