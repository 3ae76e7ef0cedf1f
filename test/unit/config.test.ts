import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import { readConfig, SETTINGS } from '../../src/config.ts';
import { describeFlags, type FlagTable, variableOf } from '../../src/flags.ts';

const SOURCE = ['--source', 'directory:/tmp/m'];
const IN_POD = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '6443' };
const mistakes = (args: readonly string[], environment: Record<string, string> = {}) => readConfig(args, environment).mistakes;

describe('settings', () => {
  test('have the defaults that the design names', () => {
    expect(readConfig(SOURCE, {}).config).toEqual({
      source: { kind: 'directory', path: '/tmp/m' },
      xdsListen: { host: '127.0.0.1', port: 18000 },
      streams: { kind: 'plaintext', isOpen: false },
      adminListen: { host: '127.0.0.1', port: 19000 },
      health: undefined,
      drainMs: 5_000,
      connectionAgeMs: 3_600_000,
      maxSyncing: 100,
      carriers: { header: 'x-detour', member: 'detour', headerAliases: [], memberAliases: [] },
      webhooks: undefined,
      logLevel: 'warn',
      auditLog: undefined,
    });
  });

  test('come from a variable, and the flag wins', () => {
    const environment = {
      DETOUR_SOURCE: 'directory:a:b',
      DETOUR_XDS_LISTEN: '[::1]:1',
      DETOUR_HEADER_ALIAS: 'sd-routing-key, Okteto-Divert,',
      DETOUR_MEMBER: '',
    };
    const { config } = readConfig(['--xds-listen=localhost:2', '--member-alias', 'a', '--member-alias', 'b'], environment);
    expect(config?.source).toEqual({ kind: 'directory', path: 'a:b' });
    expect(config?.xdsListen).toEqual({ host: 'localhost', port: 2 });
    expect(config?.carriers).toEqual({
      header: 'x-detour',
      member: 'detour',
      headerAliases: ['sd-routing-key', 'okteto-divert'],
      memberAliases: ['a', 'b'],
    });
    expect(readConfig([], { DETOUR_SOURCE: 'directory:x', DETOUR_XDS_LISTEN: '[::1]:1' }).config?.xdsListen).toEqual({
      host: '::1',
      port: 1,
    });
  });

  test('come from variables, all of them, as from flags', () => {
    const texts: Readonly<Record<keyof typeof SETTINGS, string>> = {
      source: 'kubernetes',
      kubeconfig: '/k',
      context: 'c',
      namespace: 'shop,web',
      events: 'on',
      'delete-expired': 'off',
      'lease-namespace': 'tools',
      identity: 'detour-0',
      'xds-listen': '10.0.0.1:1',
      'tls-cert': '/t/tls.crt',
      'tls-key': '/t/tls.key',
      'tls-client-ca': '/t/ca.crt',
      tokens: 'on',
      'trust-domain': 'example.com',
      gateways: 'edge/*,web/gateway,spiffe://example.com/ns/a/sa/b,edge.example.com',
      plaintext: 'off',
      'admin-listen': '10.0.0.1:2',
      'health-listen': '10.0.0.1:4',
      'health-metrics': 'on',
      'drain-time': '0.5',
      'connection-age': '0',
      'max-syncing': '7',
      header: 'x-a',
      member: 'b',
      'header-alias': 'x-c,x-d',
      'member-alias': 'e,f',
      'webhook-listen': '10.0.0.1:3',
      'webhook-cert': '/w/tls.crt',
      'webhook-key': '/w/tls.key',
      'webhook-client-ca': '/w/clients.crt',
      'sidecar-xds': 'xds.tools:1,10.0.0.1:1',
      'sidecar-xds-ca': '/ca.crt',
      'sidecar-xds-name': 'xds.example.com',
      'sidecar-image': 'r/envoy:1',
      'capture-image': 'r/detour:1',
      'sidecar-resources': 'requests.cpu=1,limits.memory=1Gi',
      'sidecar-concurrency': '4',
      'sidecar-ip-families': 'ipv6,ipv4',
      'sidecar-egress-carriers': 'strip',
      'sidecar-cluster-cidrs': '10.0.0.0/8,fd00::/8',
      'log-level': 'error',
      'audit-log': 'stderr',
    };
    const environment = Object.fromEntries(Object.entries(texts).map(([name, text]) => [variableOf(name), text]));
    const flags = Object.entries(texts).map(([name, text]) => `--${name}=${text}`);
    const fromFlags = readConfig(flags, {}).config;
    // The source has the environment itself in it.
    expect({ ...readConfig([], environment).config, source: undefined }).toEqual({ ...fromFlags, source: undefined });
    expect(readConfig([], environment).config).toEqual({
      source: {
        kind: 'kubernetes',
        access: { kind: 'kubeconfig', files: ['/k'], context: 'c', environment },
        namespaces: ['shop', 'web'],
        status: { events: true, deleteExpired: false, leaseNamespace: 'tools', identity: 'detour-0' },
      },
      streams: {
        kind: 'tls',
        cert: '/t/tls.crt',
        key: '/t/tls.key',
        clientCa: '/t/ca.crt',
        tokens: true,
        trustDomain: 'example.com',
        gateways: ['edge/*', 'web/gateway', 'spiffe://example.com/ns/a/sa/b', 'edge.example.com'],
      },
      xdsListen: { host: '10.0.0.1', port: 1 },
      adminListen: { host: '10.0.0.1', port: 2 },
      health: { listen: { host: '10.0.0.1', port: 4 }, metrics: true },
      drainMs: 500,
      connectionAgeMs: 0,
      maxSyncing: 7,
      carriers: { header: 'x-a', member: 'b', headerAliases: ['x-c', 'x-d'], memberAliases: ['e', 'f'] },
      webhooks: {
        listen: { host: '10.0.0.1', port: 3 },
        certificate: { cert: '/w/tls.crt', key: '/w/tls.key' },
        clientCa: '/w/clients.crt',
        sidecars: {
          xds: [
            { host: 'xds.tools', port: 1 },
            { host: '10.0.0.1', port: 1 },
          ],
          tls: { serverName: 'xds.example.com', caFile: '/ca.crt' },
          image: 'r/envoy:1',
          captureImage: 'r/detour:1',
          resources: { requests: { cpu: '1' }, limits: { memory: '1Gi' } },
          concurrency: 4,
          ipFamilies: ['ipv6', 'ipv4'],
          egress: { clusterCidrs: ['10.0.0.0/8', 'fd00::/8'] },
        },
      },
      logLevel: 'error',
      auditLog: { kind: 'stderr' },
    });
  });

  test.each([
    ['the flag', ['--kubeconfig', '/a'], { KUBECONFIG: '/b', ...IN_POD }, ['/a']],
    ['KUBECONFIG, a list', [], { KUBECONFIG: '/b::/c', ...IN_POD }, ['/b', '/c']],
    ['the home', [], { HOME: '/home/me' }, ['/home/me/.kube/config']],
    ['the home, for a context that is named', ['--context', 'c'], { HOME: '/home/me', ...IN_POD }, ['/home/me/.kube/config']],
  ])('find the kubeconfig by %s', (_, args, environment: Record<string, string>, files) => {
    const source = readConfig(['--source', 'kubernetes', ...args], environment).config?.source;
    expect(source).toMatchObject({ access: { kind: 'kubeconfig', files } });
  });

  test('take the ServiceAccount in a pod', () => {
    expect(readConfig(['--source', 'kubernetes'], IN_POD).config?.source).toEqual({
      kind: 'kubernetes',
      access: { kind: 'in-cluster', host: '10.0.0.1', port: 6443 },
      namespaces: [],
      status: { events: true, deleteExpired: true, leaseNamespace: undefined, identity: hostname() },
    });
  });

  test('tell what webhooks lack, and that sidecars begin as the installation of this version', () => {
    expect(mistakes([...SOURCE, '--webhook-listen', '0.0.0.0:9443'])).toEqual([
      '--webhook-cert and --webhook-key are missing: webhooks need address, certificate and key.',
    ]);
    expect(mistakes([...SOURCE, '--webhook-client-ca', 'a'])).toEqual([
      '--webhook-client-ca is about --webhook-listen: give that too.',
    ]);
    const args = ['--webhook-listen', '0.0.0.0:9443', '--webhook-cert', 'a', '--webhook-key', 'b'];
    const tls = ['--tls-cert', 'c', '--tls-key', 'k', '--tokens', 'off', '--tls-client-ca', 'd'];
    expect(mistakes([...SOURCE, ...args, ...tls])).toEqual([
      '--sidecar-xds-ca is missing: injected sidecars have to know who may have signed --tls-cert.',
    ]);
    expect(mistakes([...SOURCE, ...args, ...tls, '--sidecar-xds-ca', 'e'])).toEqual([]);
    const { version }: { version: string } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(readConfig([...SOURCE, ...args], {}).config?.webhooks?.sidecars).toEqual({
      xds: [{ host: 'detour.detour-system', port: 18000 }],
      tls: undefined,
      image: 'envoyproxy/envoy:distroless-v1.40.0',
      captureImage: `detour:${version}`,
      resources: { requests: { cpu: '50m', memory: '64Mi' }, limits: { memory: '256Mi' } },
      concurrency: 2,
      ipFamilies: ['ipv4'],
    });
  });

  test.each(['-1', '5s', '301', '', 'soon'])('refuse a drain time of %j', (text) => {
    const told = mistakes([...SOURCE, `--drain-time=${text}`]);
    expect(told).toEqual([expect.stringContaining('must be a number of seconds from 0 to 300, for example 5')]);
  });

  test.each([
    ['connection-age', '9', 'must be a number of seconds from 10 to 1000000'],
    ['connection-age', 'never', 'must be a number of seconds from 10 to 1000000'],
    ['max-syncing', '0', 'must be a number from 1 to 100000'],
    ['max-syncing', 'all', 'must be a number from 1 to 100000'],
  ])('refuse --%s %s', (name, text, why) => {
    expect(mistakes([...SOURCE, `--${name}=${text}`])).toEqual([expect.stringContaining(why)]);
  });

  test('tell what is wrong with values together beside what is wrong with one', () => {
    const told = mistakes([...SOURCE, '--log-level=loud', '--admin-listen=127.0.0.1:18000', '--header-alias=a:,x-a,b:']);
    expect(told).toEqual([
      expect.stringMatching(/^--header-alias "a:" … "a:" must be a header name .*; … "b:" must be a header name /),
      expect.stringContaining('--log-level "loud" must be one of'),
      expect.stringContaining('--xds-listen and --admin-listen are both 127.0.0.1:18000'),
    ]);
  });

  test('tell all their mistakes at once, each with flag or variable, value and fix', () => {
    expect(mistakes(['--xds-listen', 'here', '--log-level=loud', '--headr', 'x', 'extra'], { DETOUR_SOURCE: 'consul' })).toEqual([
      'There is no flag --headr; did you mean --header?',
      '"x" is an argument that this command does not take.',
      '"extra" is an argument that this command does not take.',
      'DETOUR_SOURCE "consul" is an unknown source; there is: kubernetes, directory:PATH.',
      '--xds-listen "here" must be HOST:PORT, for example 127.0.0.1:18000 or [::1]:18000.',
      '--log-level "loud" must be one of debug, info, warn, error, silent.',
    ]);
  });

  test.each([
    ['no source', [], '--source is missing: give one, for example --source kubernetes or --source directory:./manifests.'],
    ['a source without a path', ['--source', 'directory:'], '--source "directory:" names no directory: write directory:PATH.'],
    ['a flag without its value', ['--source'], '--source needs a value: --source kubernetes|directory:PATH.'],
    ['a flag in the place of a value', ['--source', '--header'], '--source needs a value: --source kubernetes|directory:PATH.'],
    ['a flag given twice', [...SOURCE, '--header', 'a', '--header', 'b'], '--header is given 2 times; it takes one value.'],
    ['a port too high', [...SOURCE, '--xds-listen', 'a:65536'], '--xds-listen "a:65536" must be HOST:PORT'],
    ['a host that is none', [...SOURCE, '--xds-listen', '[a]:1'], '--xds-listen "[a]:1" must be HOST:PORT'],
    [
      'one address for both',
      [...SOURCE, '--admin-listen', '127.0.0.1:18000'],
      '--xds-listen and --admin-listen are both 127.0.0.1:18000',
    ],
    ['a header with a colon', [...SOURCE, '--header', ':path'], '--header ":path" must be a header name'],
    [
      'a header of Detour itself',
      [...SOURCE, '--header', 'X-Detour-Decided'],
      '--header "X-Detour-Decided" is a header that has another meaning',
    ],
    [
      'baggage as the header',
      [...SOURCE, '--header-alias', 'baggage'],
      '--header-alias "baggage" is a header that has another meaning',
    ],
    ['a namespace that is none', ['--source', 'kubernetes', '--namespace', 'Shop'], '--namespace "Shop" must be a namespace'],
    ['a context of a directory', [...SOURCE, '--context', 'a'], '--context is for --source kubernetes'],
    ['a namespace of a directory', [...SOURCE, '--namespace', 'a'], '--namespace is for --source kubernetes'],
    ['a member in capitals', [...SOURCE, '--member', 'Detour'], '--member "Detour" must be a name'],
    [
      'an alias that is the header',
      [...SOURCE, '--header-alias', 'X-Detour'],
      '--header and --header-alias name "x-detour" twice',
    ],
    ['an unknown flag', [...SOURCE, '--frobnicate'], 'There is no flag --frobnicate; --help lists those that are.'],
    ['a value for --help', [...SOURCE, '-x'], 'There is no flag -x'],
  ])('refuse %s', (_, args, message) => {
    expect(mistakes(args).join('\n')).toContain(message);
    expect(readConfig(args, {}).config).toBeUndefined();
  });

  test('refuse a misspelt variable, and leave alone those that Kubernetes puts beside a Service named detour', () => {
    expect(mistakes(SOURCE, { DETOUR_XDS_LISTN: 'x' })).toEqual([
      'There is no variable DETOUR_XDS_LISTN; did you mean DETOUR_XDS_LISTEN?',
    ]);
    expect(
      mistakes(SOURCE, { DETOUR_SERVICE_HOST: 'x', DETOUR_PORT: 'x', DETOUR_PORT_18000_TCP: 'x', DETOUR_SERVER: 'x' }),
    ).toEqual([]);
  });

  test('take any free port for both listeners', () => {
    expect(mistakes([...SOURCE, '--xds-listen', '127.0.0.1:0', '--admin-listen', '127.0.0.1:0'])).toEqual([]);
  });
});

describe('what is written about settings', () => {
  test('docs/settings.md lists exactly the table, with its values, defaults and meanings', () => {
    const rows = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| `--'));
    const table: FlagTable = SETTINGS;
    expect(rows).toEqual(
      Object.entries(table).map(([name, flag]) => {
        const value = flag.value
          .split('|')
          .map((part) => `\`${part}\``)
          .join(', ');
        const missing = name === 'source' ? 'none: it must be there' : 'none';
        const fallback = flag.default.length > 0 ? `\`${flag.default.join(',')}\`` : missing;
        return `| \`--${name}\`${flag.repeatable ? ' (repeatable)' : ''} | \`${variableOf(name)}\` | ${value} | ${fallback} | ${flag.summary} |`;
      }),
    );
  });

  test('help is made of the same table', () => {
    const help = describeFlags(SETTINGS, true);
    for (const name of Object.keys(SETTINGS)) expect(help).toContain(`--${name} `);
    expect(help.replace(/\s+/g, ' ')).toContain('Default: 127.0.0.1:18000. [DETOUR_XDS_LISTEN]');
    expect(readConfig(['--help'], {}).help).toBe(true);
    expect(readConfig(['-h'], {}).help).toBe(true);
  });
});
