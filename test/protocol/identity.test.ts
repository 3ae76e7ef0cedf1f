/** Who may have a stream, over TLS with client certificates: whom the server lets in, and what it says to all others. */
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { Client, credentials } from '@grpc/grpc-js';
import { afterEach, describe, expect, test } from 'vitest';
import { startApp } from '../../src/app.ts';
import { readConfig } from '../../src/config.ts';
import { AdsClient, type ClientTls } from '../support/ads-client.ts';
import { Authority, type CertificateOptions } from '../support/certificates.ts';
import { MountedSecret } from '../support/mounted-secret.ts';
import { type RunningApp, runApp, untilReady } from '../support/running-app.ts';
import { until } from '../support/until.ts';
import { createManifests } from '../support/world/manifests.ts';

const NAME = 'detour.detour-system';
const SERVERS = new Authority('servers');
const CLIENTS = new Authority('clients');
const DAY = 86_400_000;
const spiffe = (account: string): string => `URI:spiffe://cluster.local/ns/${account.replace('/', '/sa/')}`;

const stack = new AsyncDisposableStack();
let opened: Disposable[] = [];
afterEach(() => {
  for (const each of opened) each[Symbol.dispose]();
  opened = [];
});

const serverFiles = (from = SERVERS, options: CertificateOptions = {}) => {
  const { cert, key } = from.issue({ names: [`DNS:${NAME}`], ...options });
  return { 'tls.crt': cert, 'tls.key': key, 'ca.crt': CLIENTS.cert };
};

interface Plane extends AsyncDisposable {
  readonly running: RunningApp;
  readonly mount: MountedSecret;
}

async function plane(now?: () => number): Promise<Plane> {
  const mount = await MountedSecret.mount(serverFiles());
  const files = [
    '--tls-cert',
    mount.file('tls.crt'),
    '--tls-key',
    mount.file('tls.key'),
    '--tls-client-ca',
    mount.file('ca.crt'),
  ];
  const args = [...files, '--gateways', 'edge/gateway,edge.example.com'];
  const running = await runApp({ args, ...(now === undefined ? {} : { now }) });
  await untilReady(running);
  return {
    running,
    mount,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      await mount[Symbol.asyncDispose]();
    },
  };
}

/** @param certificate undefined: none is shown */
function tlsOf(certificate: CertificateOptions | undefined, from = CLIENTS): ClientTls {
  return { ca: SERVERS.cert, serverName: NAME, ...(certificate === undefined ? {} : from.issue(certificate)) };
}

function open(running: RunningApp, node: string, tls: ClientTls): AdsClient {
  const client = new AdsClient({ port: running.app.xds.port, node, detour: { listen: '127.0.0.1:8080' }, tls });
  opened.push(client);
  return client;
}

/** What became of a stream: `in`, or its status and message. */
async function outcome(running: RunningApp, node: string, tls: ClientTls): Promise<string> {
  const client = open(running, node, tls);
  await until('an answer', () => client.responses.length > 0 || client.end !== undefined);
  return client.end ?? 'in';
}

describe('a client certificate', async () => {
  const { running } = stack.use(await plane());
  const ask = (node: string, certificate: CertificateOptions | undefined, from?: Authority) =>
    outcome(running, node, tlsOf(certificate, from));

  test.each([
    ['a sidecar of its ServiceAccount', 'sidecar~shop/api-0', [spiffe('shop/api')]],
    ['a sidecar by its DNS name', 'sidecar~shop/api-0', ['DNS:api-0.shop.cluster.local']],
    ['a gateway that is allowed', 'gateway~shop/edge', [spiffe('edge/gateway')]],
    ['a gateway by its DNS name', 'gateway~shop/edge', ['DNS:edge.example.com']],
    ['a client of another kind', 'grpc-client', [spiffe('shop/api')]],
  ])('lets in %s', async (_, node, names) => {
    expect(await ask(node, { names })).toBe('in');
  });

  test.each([
    [
      "another pod's node.id",
      'sidecar~shop/api-0',
      ['DNS:api-1.shop.cluster.local'],
      '7 PERMISSION_DENIED',
      'start this Envoy with node.id sidecar~shop/api-1',
    ],
    [
      'a pod of another namespace',
      'sidecar~shop/api-0',
      [spiffe('web/api')],
      '7 PERMISSION_DENIED',
      'sidecar~shop/api-0 does not fit',
    ],
    ['a gateway that nobody allowed', 'gateway~shop/edge', [spiffe('shop/api')], '7 PERMISSION_DENIED', '--gateways shop/api'],
    [
      'another trust domain',
      'sidecar~shop/api-0',
      ['URI:spiffe://evil/ns/shop/sa/api'],
      '16 UNAUTHENTICATED',
      'trust domain evil',
    ],
    ['no name at all', 'sidecar~shop/api-0', [], '16 UNAUTHENTICATED', 'neither a SPIFFE id nor a DNS name'],
  ])('with %s is told so', async (_, node, names, code, message) => {
    const said = await ask(node, { names });
    expect(said).toContain(code);
    expect(said).toContain(message);
  });

  test('that is not there, of another authority, or has expired lets nobody in', async () => {
    const node = 'sidecar~shop/api-0';
    const names = ['DNS:api-0.shop.cluster.local'];
    expect(await ask(node, undefined)).toMatch(
      /^16 UNAUTHENTICATED: no client certificate: start this Envoy with .* --xds-cert\.$/,
    );
    expect(await ask(node, { names }, new Authority('clients'))).toMatch(/^16 UNAUTHENTICATED: no authority of --tls-client-ca/);
    // The server's own authority is not that of clients.
    expect(await ask(node, { names }, SERVERS)).toMatch(/^16 UNAUTHENTICATED: no authority of --tls-client-ca/);
    const expired = { names, from: Date.now() - 3 * DAY, until: Date.now() - DAY };
    expect(await ask(node, expired)).toMatch(/^16 UNAUTHENTICATED: the client certificate has expired at /);
    const future = { names, from: Date.now() + DAY, until: Date.now() + 2 * DAY };
    expect(await ask(node, future)).toMatch(/^16 UNAUTHENTICATED: .*CERT_NOT_YET_VALID/);
    expect(await running.metric('detour_xds_denied_total{reason="none"}')).toBeGreaterThan(0);
    expect(await running.metric('detour_xds_denied_total{reason="expired"}')).toBeGreaterThan(0);
    expect(running.log.some(({ message }) => message === 'stream denied')).toBe(true);
  });

  test('is not asked of others: who speaks no TLS is not answered, and disturbs nobody', async () => {
    const socket = connect(running.app.xds.port, '127.0.0.1', () => socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'));
    await new Promise((resolve) => socket.on('error', () => undefined).on('close', resolve));
    const plain = new Client(`127.0.0.1:${running.app.xds.port}`, credentials.createInsecure());
    await expect(
      new Promise((resolve, reject) => plain.waitForReady(Date.now() + 500, (error) => (error ? reject(error) : resolve(1)))),
    ).rejects.toThrow();
    plain.close();
    expect(await ask('sidecar~shop/api-0', { names: [spiffe('shop/api')] })).toBe('in');
  });

  test('is named where connected Envoys are shown', async () => {
    expect(await ask('sidecar~shop/api-9', { names: [spiffe('shop/api')] })).toBe('in');
    const { proxies } = JSON.parse((await running.get('/api/proxies')).body);
    expect(proxies.find(({ id }: { id: string }) => id === 'sidecar~shop/api-9')).toMatchObject({
      identity: 'spiffe://cluster.local/ns/shop/sa/api',
    });
  });

  test('of a gateway may ask what all Envoys have, and no other', async () => {
    const path = '/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus';
    const status = async (names: readonly string[]): Promise<unknown> => {
      const { cert = '', key = '' } = tlsOf({ names });
      const session = connectHttp2(`https://127.0.0.1:${running.app.xds.port}`, {
        ca: SERVERS.cert,
        cert,
        key,
        servername: NAME,
      });
      const stream = session.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' });
      const answer = await new Promise<unknown>((resolve, reject) => {
        session.on('error', reject);
        stream.on('error', reject);
        stream.on('response', (headers) => headers['grpc-status'] !== undefined && resolve(headers['grpc-status']));
        stream.on('trailers', (headers) => resolve(headers['grpc-status']));
        stream.resume().end();
      });
      session.destroy();
      return answer;
    };
    expect(await status([spiffe('shop/api')])).toBe('7');
    expect(await status([spiffe('edge/gateway')])).toBe('0');
  });
});

test("a server's certificate that rotates is shown to those who come, and ends nothing that is open", async () => {
  await using open_ = await plane();
  const { running, mount } = open_;
  const sidecar = tlsOf({ names: [spiffe('shop/api')] });
  const first = open(running, 'sidecar~shop/api-0', sidecar);
  await until('the first stream', () => first.responses.length > 0);
  const next = new Authority('next');
  await mount.update(serverFiles(next));
  await until(
    'the new certificate',
    async () => (await outcome(running, 'sidecar~shop/api-1', { ...sidecar, ca: next.cert })) === 'in',
  );
  expect(first.end).toBeUndefined();
  // What cannot be used is not: the one before it stays, and is told of.
  await mount.update({ ...serverFiles(), 'tls.crt': 'broken' });
  await until('the trouble', async () => (await running.metric('detour_tls_reload_failing{listener="xds"}')) === 1);
  expect(await outcome(running, 'sidecar~shop/api-2', { ...sidecar, ca: next.cert })).toBe('in');
  expect((await running.get('/readyz?verbose')).body).toMatch(
    /\[\+\] tls: --tls-cert .* is no certificate in PEM.*is used on, until /,
  );
  expect(await running.metric('detour_tls_certificate_expiry_timestamp_seconds{listener="xds"}')).toBeGreaterThan(
    Date.now() / 1000,
  );
});

test('an authority of clients that is taken away lets nobody of its own in any more', async () => {
  await using open_ = await plane();
  const { running, mount } = open_;
  const sidecar = tlsOf({ names: [spiffe('shop/api')] });
  expect(await outcome(running, 'sidecar~shop/api-0', sidecar)).toBe('in');
  await mount.update({ ...serverFiles(), 'ca.crt': new Authority('clients').cert });
  await until('the refusal', async () => (await outcome(running, 'sidecar~shop/api-1', sidecar)).startsWith('16 '));
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)('no session of %s is resumed: who comes again is looked at again', async (version) => {
  await using open_ = await plane();
  const { port } = open_.running.app.xds;
  const { cert = '', key = '' } = tlsOf({ names: [spiffe('shop/api')] });
  const options = { port, host: '127.0.0.1', ca: SERVERS.cert, cert, key, servername: NAME, ALPNProtocols: ['h2'] };
  const visit = async (session?: Buffer): Promise<{ readonly session: Buffer | undefined; readonly isReused: boolean }> => {
    const resumed = session === undefined ? {} : { session };
    const socket = connectTls({ ...options, ...resumed, minVersion: version, maxVersion: version });
    let given: Buffer | undefined;
    socket
      .on('error', () => undefined)
      .on('session', (each) => {
        given = each;
      });
    // SETTINGS come after whatever TLS has to say.
    await new Promise((resolve) => socket.once('data', resolve));
    const isReused = socket.isSessionReused();
    socket.destroy();
    return { session: given ?? socket.getSession(), isReused };
  };
  const first = await visit();
  expect(await visit(first.session)).toMatchObject({ isReused: false });
});

test('a stream ends when the certificate that proved who it is expires, and the connection proves no more', async () => {
  let ahead = 0;
  await using open_ = await plane(() => Date.now() + ahead);
  const { running } = open_;
  const client = open(running, 'sidecar~shop/api-0', tlsOf({ names: [spiffe('shop/api')], until: Date.now() + DAY }));
  await until('the stream', () => client.responses.length > 0);
  ahead = 2 * DAY;
  await until('the end', () => client.end);
  expect(client.end).toMatch(/^16 UNAUTHENTICATED: what proved that this is spiffe:.* has expired: come again/);
});

test('a start without a certificate that can be used says so', async () => {
  await using mount = await MountedSecret.mount({ ...serverFiles(), 'tls.key': 'x' });
  const files = [
    '--tls-cert',
    mount.file('tls.crt'),
    '--tls-key',
    mount.file('tls.key'),
    '--tls-client-ca',
    mount.file('ca.crt'),
  ];
  await expect(runApp({ args: files })).rejects.toThrow(/^--tls-key .* is no private key in PEM/);
});

test('plaintext where others could come is warned of, and on loopback it is not', async () => {
  await using manifests = await createManifests();
  // An address of this machine alone, which does not look like one.
  for (const [host, warnings] of [
    ['127.0.0.1', []],
    ['[::ffff:127.0.0.1]', ['Envoys are served in plaintext']],
  ] as const) {
    const listen = ['--xds-listen', `${host}:0`, '--admin-listen', '127.0.0.1:0', '--plaintext', 'on'];
    const { config, mistakes } = readConfig(['--source', `directory:${manifests.folder}`, ...listen], {});
    if (config === undefined) throw new Error(mistakes.join());
    const warned: string[] = [];
    const log = { debug: () => undefined, info: () => undefined, error: () => undefined };
    const app = await startApp(config, { log: { ...log, warn: (message) => warned.push(message) }, version: '1.2.3' });
    await app.stop();
    expect(warned).toEqual(warnings);
  }
});
