import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Io } from '../../../src/cli/command.ts';
import { ENVOY_FLAGS } from '../../../src/cli/envoy.ts';
import { run } from '../../../src/cli/main.ts';
import { readConfig, SETTINGS } from '../../../src/config.ts';
import { variableOf } from '../../../src/flags.ts';

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function detour(...args: string[]): Promise<Said> {
  return await detourWith({}, ...args);
}

async function detourWith(environment: Io['environment'], ...args: string[]): Promise<Said> {
  let [out, err] = ['', ''];
  const io: Io = {
    out: (text) => {
      out += text;
    },
    err: (text) => {
      err += text;
    },
    environment,
  };
  return { code: await run(args, io), out, err };
}

describe('detour', () => {
  test('alone, and `help`, list the commands; only the second is no mistake', async () => {
    const help = await detour('help');
    expect(help).toMatchObject({ code: 0, err: '' });
    for (const command of ['serve', 'envoy', 'demo']) expect(help.out).toContain(`\n  ${command} `);
    expect(await detour()).toEqual({ code: 2, out: '', err: help.out });
    expect(await detour('--help')).toEqual(help);
  });

  test('tells its version', async () => {
    expect(await detour('--version')).toEqual({ code: 0, out: expect.stringMatching(/^detour \d+\.\d+\.\d+\n$/), err: '' });
  });

  test.each([
    ['servr', 'Did you mean `detour serve`?'],
    ['frobnicate', '`detour help` lists the commands.'],
    ['-n', 'the command comes first, its flags behind it: `detour COMMAND -n …`.'],
    ['constructor', '`detour help` lists the commands.'],
  ])('does not know %s, and exits with 2', async (command, hint) => {
    const { code, out, err } = await detour(command);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(hint);
  });

  test.each([['serve'], ['envoy']])('%s --help lists its flags, and so does help with its name', async (command) => {
    const { code, out } = await detour(command, '--help');
    expect(code).toBe(0);
    expect(out).toContain(`Usage: detour ${command}`);
    expect(out.split('\n').every((line) => line.length <= 120)).toBe(true);
    expect(await detour('help', command)).toMatchObject({ code: 0, out });
  });

  const commands = ['create', 'delete', 'list', 'wait', 'explain', 'preview', 'lint', 'completion', 'serve', 'envoy', 'demo'];
  test.each(commands)('%s --help says how it is used, with an example of it', async (command) => {
    const { code, out } = await detour(command, '--help');
    expect(code).toBe(0);
    expect(out).toContain(`\nUsage: detour ${command}`);
    expect(out.slice(out.indexOf('\nExample:\n'))).toContain(`detour ${command}`);
    expect((await detour('help')).out).toContain(`\n  ${command} `);
  });

  test.each(['list', 'wait', 'delete'])('%s refuses what is no key before it asks anybody', async (command) => {
    const { code, out, err } = await detour(command, 'PR.42');
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('KEY "PR.42" must be a key: lower-case letters, digits and single hyphens');
  });

  test.each([
    [
      'a host without http://',
      ['--to', 'shop.example.com'],
      '--to "shop.example.com" must be a URL, as in --to http://shop.example.com/',
    ],
    ['a port by its name', ['--to', 'api.shop:http'], '--to "api.shop:http" must be'],
    ['a URL without a host', ['--to', 'http://'], 'with the number of the port'],
    ['a header without a value', ['--to', 'api', '--header', 'x-detour'], '--header "x-detour" must be NAME:VALUE'],
    [
      'half of a node id',
      ['--to', 'api', '--proxy', 'sidecar~api-0'],
      '--proxy "sidecar~api-0" must be sidecar~<namespace>/<pod>',
    ],
    ['another listener', ['--to', 'api', '--listener', '8080'], '--listener "8080" must be outbound or inbound:PORT'],
  ])('explain refuses %s before it asks anybody, in the words of its flags', async (_, args, message) => {
    const { code, out, err } = await detour('explain', ...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
  });

  test('serve tells all mistakes at once and exits with 2', async () => {
    const { code, out, err } = await detour('serve', '--xds-listen', 'x', '--sorce', 'y');
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain('did you mean --source?');
    expect(err).toContain('--source is missing');
    expect(err).toContain('--xds-listen "x" must be');
  });
});

describe('detour envoy', () => {
  const gateway = ['envoy', '--role', 'gateway', '--node', 'shop/edge', '--xds', '10.0.0.1:18000', '--listen', '0.0.0.0:8080'];
  const sidecar = ['envoy', '--role', 'sidecar', '--node', 'shop/api-0', '--xds', 'detour.example:18000'];

  test('prints the bootstrap of a gateway as YAML', async () => {
    const { code, out, err } = await detour(
      ...gateway,
      '--preview-domain',
      'p.example.com',
      '--cors-origins',
      'https://a.example,https://b.example',
      '--protocol',
      'sotw',
    );
    expect([code, err]).toEqual([0, '']);
    expect(parse(out)).toMatchObject({
      node: {
        id: 'gateway~shop/edge',
        metadata: {
          detour: {
            listen: '0.0.0.0:8080',
            preview_domain: 'p.example.com',
            cors_origins: ['https://a.example', 'https://b.example'],
          },
        },
      },
      admin: { address: { socket_address: { address: '127.0.0.1', port_value: 9901 } } },
      dynamic_resources: { ads_config: { api_type: 'GRPC' } },
    });
  });

  test('prints the bootstrap of a sidecar, its ports in short or in full', async () => {
    const args = [
      '--inbound',
      '15080=8080',
      '--inbound',
      '10.0.0.5:15081=127.0.0.2:8081',
      '--outbound',
      '127.0.0.1:15001',
      '--services',
      'bank/ledger',
    ];
    const { code, out } = await detour(...sidecar, ...args);
    expect(code).toBe(0);
    expect(parse(out)).toMatchObject({
      node: {
        id: 'sidecar~shop/api-0',
        metadata: {
          detour: {
            inbound: [
              { listen: '0.0.0.0:15080', app: '127.0.0.1:8080' },
              { listen: '10.0.0.5:15081', app: '127.0.0.2:8081' },
            ],
            outbound: '127.0.0.1:15001',
            services: ['bank/ledger'],
          },
        },
      },
      dynamic_resources: { ads_config: { api_type: 'DELTA_GRPC' } },
    });
  });

  test('takes its settings from variables too, and the flag wins', async () => {
    const environment = { DETOUR_ROLE: 'sidecar', DETOUR_NODE: 'shop/api-0', DETOUR_XDS: 'a:1', DETOUR_INBOUND: '15080=8080' };
    const { code, out } = await detourWith(environment, 'envoy', '--xds', '10.0.0.1:2');
    expect([code, parse(out).node.id]).toEqual([0, 'sidecar~shop/api-0']);
    expect(parse(out).node.metadata.detour.inbound).toEqual([{ listen: '0.0.0.0:15080', app: '127.0.0.1:8080' }]);
    expect(out).toContain('address: 10.0.0.1');
    const gateway = await detourWith(environment, 'envoy', '--role', 'gateway', '--listen', '0.0.0.0:80');
    expect(gateway).toMatchObject({ code: 2, out: '' });
    expect(gateway.err).toContain('--inbound belongs to a sidecar: leave it and DETOUR_INBOUND out');
  });

  test('does not take the variables of other commands for misspelt ones', async () => {
    const others = Object.fromEntries([...Object.keys(SETTINGS), 'server'].map((name) => [variableOf(name), 'x']));
    expect(await detourWith(others, ...sidecar)).toMatchObject({ code: 0, err: '' });
    const own = Object.fromEntries(Object.keys(ENVOY_FLAGS).map((name) => [variableOf(name), 'x']));
    expect(readConfig(['--source', 'directory:x'], own).mistakes).toEqual([]);
  });

  test('writes names that YAML 1.1 takes for booleans in quotes', async () => {
    const { out } = await detour('envoy', '--role', 'sidecar', '--node', 'on/no');
    expect(out).toContain('cluster: "on"');
  });

  test.each([
    ['no role', ['envoy', '--node', 'a/b'], '--role is missing'],
    ['another role', ['envoy', '--role', 'router', '--node', 'a/b'], '--role "router" must be one of gateway, sidecar'],
    [
      'a node without a namespace',
      [...gateway.slice(0, 3), '--node', 'edge', '--listen', '0.0.0.0:80'],
      '--node "edge" must be NAMESPACE/NAME',
    ],
    ['a gateway that listens nowhere', ['envoy', '--role', 'gateway', '--node', 'a/b'], '--listen is missing'],
    ['a host name to listen on', [...gateway.slice(0, -1), 'localhost:80'], '--listen "localhost:80" must be IP:PORT'],
    ['port 0 to listen on', [...gateway.slice(0, -1), '0.0.0.0:0'], '--listen "0.0.0.0:0" must be IP:PORT'],
    ["a sidecar's flag on a gateway", [...gateway, '--inbound', '1=2'], '--inbound belongs to a sidecar'],
    ["a gateway's flag on a sidecar", [...sidecar, '--cors-origins', 'https://a.example'], '--cors-origins belongs to a gateway'],
    ['an inbound port of three parts', [...sidecar, '--inbound', '1=2=3'], '--inbound "1=2=3" must be PORT=APPPORT'],
    ['one port for two', [...sidecar, '--inbound', '1=2,1=3'], 'names 0.0.0.0:1 twice'],
    ['an origin that is none', [...gateway, '--cors-origins', 'a.example'], 'must be an origin'],
    ['a service without a namespace', [...sidecar, '--services', 'ledger'], '--services "ledger" must be NAMESPACE/SERVICE'],
    [
      'a domain in capitals',
      [...gateway, '--preview-domain', 'P.example.com'],
      '--preview-domain "P.example.com" must be a DNS name',
    ],
  ])('refuses %s, prints nothing, and exits with 2', async (_, args, message) => {
    const { code, out, err } = await detour(...args);
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(message);
  });
});
