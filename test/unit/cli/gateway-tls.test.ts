/** `detour envoy` for a gateway that ends TLS: what it prints and writes, and what it says is wrong. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { runEnvoy } from '../../../src/cli/envoy.ts';
import { Authority, type Certificate } from '../../support/certificates.ts';
import { MountedSecret } from '../../support/mounted-secret.ts';

const authority = new Authority();
const SHOP = authority.issue({ names: ['DNS:shop.example.com'] });
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detour-gateway-tls-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const files = ({ cert, key }: Certificate): Record<string, string> => ({ 'tls.crt': cert, 'tls.key': key });

async function detourEnvoy(
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ['', ''];
  const io = {
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
    environment: {},
  };
  return { code: await runEnvoy(['--role', 'gateway', '--node', 'shop/edge', ...args], io), out, err };
}

const TLS = ['--listen-tls', '0.0.0.0:8443'];

test('the names of certificates go to the control plane; where they are is in files beside the bootstrap', async () => {
  await using shop = await MountedSecret.mount(files(SHOP), 'shop.example');
  const sds = join(folder, 'sds');
  const { code, out, err } = await detourEnvoy('--listen', '0.0.0.0:8080', ...TLS, '--tls', shop.folder, '--xds-sds', sds);
  expect([code, err]).toEqual([0, '']);
  expect(parse(out).node.metadata.detour).toEqual({
    listen: '0.0.0.0:8080',
    listen_tls: '0.0.0.0:8443',
    tls_certificates: ['shop.example'],
    tls_sds: sds,
    redirect_port: 443,
  });
  expect(await readdir(sds)).toEqual(['tls-shop.example.sds.json']);
  const secret = JSON.parse(await readFile(join(sds, 'tls-shop.example.sds.json'), 'utf8')).resources[0];
  expect(secret).toEqual({
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret',
    name: 'shop.example',
    tls_certificate: {
      certificate_chain: { filename: join(shop.folder, 'tls.crt') },
      private_key: { filename: join(shop.folder, 'tls.key') },
      watched_directory: { path: shop.folder },
    },
  });
});

test.each([
  ['leads to https at the usual port unless told', ['--listen', '0.0.0.0:80'], { redirect_port: 443 }],
  ['leads to https at another port', ['--listen', '0.0.0.0:80', '--http', 'redirect:8443'], { redirect_port: 8443 }],
  ['serves as well', ['--listen', '0.0.0.0:80', '--http', 'serve'], {}],
  ['is not there', [], {}],
])('the listener without TLS %s', async (_, flags, expected) => {
  const { out } = await detourEnvoy(...flags, ...TLS, '--tls', '/nowhere/shop', '--xds-sds', join(folder, 'http'));
  const { listen: __, listen_tls: ___, tls_certificates, tls_sds, ...rest } = parse(out).node.metadata.detour;
  expect([tls_certificates, rest]).toEqual([['shop'], expected]);
  expect(tls_sds).toBe(join(folder, 'http'));
});

test('proxies before the gateway that are believed are counted', async () => {
  const { out } = await detourEnvoy('--listen', '0.0.0.0:80', '--trusted-hops', '1');
  expect(parse(out).node.metadata.detour).toEqual({ listen: '0.0.0.0:80', trusted_hops: 1 });
});

test.each([
  ['no address', ['--tls', '/x/shop', '--xds-sds', '/tmp/x'], '--listen-tls is missing'],
  ['no certificate', [...TLS, '--xds-sds', '/tmp/x'], '--tls is missing'],
  ['no folder for what Envoy reads', [...TLS, '--tls', '/x/shop'], '--xds-sds is missing'],
  [
    'two certificates of one name',
    [...TLS, '--tls', '/a/shop,/b/shop', '--xds-sds', '/tmp/x'],
    'two folders that are called shop',
  ],
  ['a path that is not whole', [...TLS, '--tls', 'shop', '--xds-sds', '/tmp/x'], 'must be a path that begins with /'],
  ['a folder that is no name', [...TLS, '--tls', '/', '--xds-sds', '/tmp/x'], 'must end with the name of a Secret'],
  ['--http without --listen', [...TLS, '--tls', '/a/shop', '--http', 'serve', '--xds-sds', '/tmp/x'], '--http is about --listen'],
  ['--http without TLS', ['--listen', '0.0.0.0:80', '--http', 'redirect'], '--listen-tls is missing'],
  ['another --http', ['--listen', '0.0.0.0:80', '--http', 'redirect:0'], 'must be redirect, redirect:PORT or serve'],
  ['hops that are no number', ['--listen', '0.0.0.0:80', '--trusted-hops', 'all'], 'must be a whole number from 0 to 99'],
  [
    'one address twice',
    ['--listen', '0.0.0.0:8443', ...TLS, '--tls', '/a/shop', '--xds-sds', '/tmp/x'],
    'listen and listen_tls must differ',
  ],
])('wrong flags are told, and nothing is printed: %s', async (_, flags, message) => {
  const { code, out, err } = await detourEnvoy(...flags);
  expect([code, out]).toEqual([2, '']);
  expect(err).toContain(message);
});

test('a certificate that Envoy would refuse is told before it does', async () => {
  const other = authority.issue({ names: ['DNS:shop.example.com'] });
  const look = async (content: Record<string, string>) => {
    await using shop = await MountedSecret.mount(content, 'shop');
    return detourEnvoy(...TLS, '--tls', shop.folder, '--xds-sds', join(folder, 'looked-at'));
  };
  expect(await look({ ...files(SHOP), 'tls.key': other.key })).toMatchObject({
    code: 2,
    out: '',
    err: expect.stringContaining('tls.key is not the key of tls.crt'),
  });
  expect(await look({ ...files(SHOP), 'tls.key': 'x' })).toMatchObject({ err: expect.stringContaining('no PEM private key') });
  expect(await look({ ...files(SHOP), 'tls.crt': 'x' })).toMatchObject({ err: expect.stringContaining('no PEM certificate') });
  // Envoy takes an expired one, and files may be where Envoy runs and not here: the bootstrap is printed.
  const expired = authority.issue({ names: ['DNS:shop.example.com'], until: Date.parse('2026-01-02T00:00:00Z') });
  const late = await look(files(expired));
  expect([late.code, late.out === '']).toEqual([0, false]);
  expect(late.err).toContain('expired on 2026-01-02T00:00:00.000Z');
  const elsewhere = await detourEnvoy(...TLS, '--tls', '/nowhere/shop', '--xds-sds', join(folder, 'elsewhere'));
  expect([elsewhere.code, elsewhere.out === '']).toEqual([0, false]);
  expect(elsewhere.err).toContain('Envoy has to find it where it runs');
});

test('the command of docs/edge.md is understood', async () => {
  const page = await readFile(new URL('../../../docs/edge.md', import.meta.url), 'utf8');
  const command =
    /detour envoy --role gateway --node shop\/edge (?<flags>(?:[^\n>]|\\\n)+) >/.exec(page)?.groups?.['flags'] ?? '';
  const flags = command.replaceAll('\\\n', ' ').replace('/etc/detour', join(folder, 'docs')).split(/\s+/);
  expect(await detourEnvoy(...flags)).toMatchObject({ code: 0 });
  expect(await readdir(join(folder, 'docs'))).toEqual(['tls-shop.sds.json', 'tls-wildcard.sds.json']);
});
