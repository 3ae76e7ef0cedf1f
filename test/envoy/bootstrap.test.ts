/** The bootstrap: the examples are what the function makes, and a real Envoy takes it. */
import { readFile } from 'node:fs/promises';
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type BootstrapOptions, bootstrap } from '../../src/envoy-bootstrap.ts';
import { proxyOf } from '../../src/model/node.ts';
import { RE2_MAX_PROGRAM_SIZE } from '../../src/model/re2.ts';
import { startEnvoy, validateConfig } from '../support/envoy.ts';
import { until } from '../support/until.ts';

const GATEWAY: BootstrapOptions = {
  proxy: {
    role: 'gateway',
    namespace: 'shop',
    name: 'edge',
    listen: { host: '0.0.0.0', port: 8080 },
    previewDomain: 'preview.example.com',
    corsOrigins: ['https://app.example.com'],
  },
  xds: [{ host: 'detour.detour', port: 18000 }],
  admin: { host: '127.0.0.1', port: 9901 },
  protocol: 'delta',
};

const SIDECAR: BootstrapOptions = {
  proxy: {
    role: 'sidecar',
    namespace: 'shop',
    name: 'api-0',
    inbound: [{ listen: { host: '0.0.0.0', port: 15080 }, app: { host: '127.0.0.1', port: 8080 } }],
    outbound: { host: '127.0.0.1', port: 15001 },
    services: ['payments/ledger'],
  },
  xds: [{ host: 'detour.detour', port: 18000 }],
  admin: { host: '127.0.0.1', port: 9901 },
  protocol: 'delta',
};

const CAPTURED: BootstrapOptions = {
  proxy: {
    role: 'sidecar',
    namespace: 'shop',
    name: 'api-0',
    inbound: [],
    outbound: undefined,
    services: [],
    capture: ['ipv4', 'ipv6'],
  },
  xds: [{ host: 'detour.detour', port: 18000 }],
  admin: { host: '127.0.0.1', port: 15000 },
  protocol: 'delta',
  probes: { host: '0.0.0.0', port: 15021 },
};

const examples = [
  ['gateway.yaml', GATEWAY],
  ['sidecar.yaml', SIDECAR],
  ['captured.yaml', CAPTURED],
] as const;

describe('the bootstrap', () => {
  it.each(examples)('is what envoy/%s shows', async (file, options) => {
    expect(parse(await readFile(new URL(`../../envoy/${file}`, import.meta.url), 'utf8'))).toEqual(bootstrap(options));
  });

  it.each([
    ...examples,
    [
      'several addresses, one of them IPv6',
      {
        ...GATEWAY,
        xds: [
          { host: '10.0.0.1', port: 18000 },
          { host: '::1', port: 18000 },
        ],
      },
    ],
    ['state of the world', { ...SIDECAR, protocol: 'sotw' }],
  ] as const)('is valid for Envoy: %s', async (_, options) => {
    expect(await validateConfig(bootstrap(options))).toBeUndefined();
  });

  it.each(examples)('says who the Envoy is: %s', (_, options) => {
    // The node is a field of every bootstrap; the cast is its shape.
    const { node } = bootstrap(options) as { readonly node: { readonly id: string; readonly metadata: unknown } };
    expect(proxyOf(node)).toEqual(options.proxy);
  });

  it.each([
    ['delta', 'DeltaAggregatedResources'],
    ['sotw', 'StreamAggregatedResources'],
  ] as const)('opens a %s stream and waits for the answer, whatever it takes', async (protocol, method) => {
    const streams: IncomingHttpHeaders[] = [];
    const server: Http2Server = createServer().on('stream', (stream: ServerHttp2Stream, headers) => {
      streams.push(headers);
      stream.on('error', () => {}).respond({ ':status': 200, 'content-type': 'application/grpc' });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    // A TCP server has an AddressInfo.
    const xds = [{ host: '127.0.0.1', port: (server.address() as AddressInfo).port }];
    {
      await using envoy = await startEnvoy({ config: bootstrap({ ...GATEWAY, xds, protocol }) });
      await until('the stream', () => streams.length > 0);
      expect(streams[0]?.[':path']).toBe(`/envoy.service.discovery.v3.AggregatedDiscoveryService/${method}`);
      expect(await envoy.admin('/ready')).toContain('PRE_INITIALIZING');
      const runtime = JSON.parse(await envoy.admin('/runtime'));
      expect(runtime.entries['re2.max_program_size.error_level'].final_value).toBe(String(RE2_MAX_PROGRAM_SIZE));
    }
    await new Promise((resolve) => server.close(resolve));
  });
});
