/** How a real Envoy says who it is: what it was given is sent, and what is rotated is read again. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse } from 'yaml';
import { runEnvoy } from '../../src/cli/envoy.ts';
import { bootstrap } from '../../src/envoy-bootstrap.ts';
import { type EnvoyCredentials, sdsFiles } from '../../src/envoy-credentials.ts';
import { Authority } from '../support/certificates.ts';
import { startEnvoy, validateConfig } from '../support/envoy.ts';
import { MountedSecret } from '../support/mounted-secret.ts';
import { until } from '../support/until.ts';

const NAME = 'detour.detour-system';
const authority = new Authority();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detour-credentials-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Takes streams, and notes who opened them. */
class Listener implements AsyncDisposable {
  /** `name of the certificate, authorization` of each stream. */
  readonly streams: string[] = [];
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #server: Http2SecureServer;

  private constructor(server: Http2SecureServer) {
    this.#server = server;
    server.on('session', (session) => this.#sessions.add(session.on('close', () => this.#sessions.delete(session))));
    server.on('stream', (stream, headers) => {
      const { socket } = stream.session ?? {};
      const names = socket instanceof TLSSocket ? socket.getPeerCertificate().subjectaltname : undefined;
      this.streams.push([names, headers.authorization].filter((each) => each !== undefined).join(', '));
      stream.on('error', () => {}).respond({ ':status': 200, 'content-type': 'application/grpc' });
    });
  }

  static async start(from: Authority = authority): Promise<Listener> {
    const { cert, key } = from.issue({ names: [`DNS:${NAME}`] });
    const server = createSecureServer({ cert, key, ca: authority.cert, requestCert: true, rejectUnauthorized: false });
    const listener = new Listener(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return listener;
  }

  get port(): number {
    // A TCP server has an AddressInfo.
    return (this.#server.address() as AddressInfo).port;
  }

  /** Every Envoy has to come again. */
  disconnect(): void {
    for (const session of this.#sessions) session.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.disconnect();
    await closed;
  }
}

/** What `detour envoy` prints for these flags. */
async function printed(port: number, flags: readonly string[], name = NAME): Promise<object> {
  const said: string[] = [];
  let text = '';
  const out = (part: string): void => {
    text += part;
  };
  const io = { out, err: (part: string) => said.push(part), environment: {} };
  const who = ['--role', 'sidecar', '--node', 'shop/api-0', '--xds', `127.0.0.1:${port}`, '--xds-name', name];
  expect([await runEnvoy([...who, ...flags], io), said]).toEqual([0, []]);
  return parse(text, { version: '1.1' });
}

const CLIENT = { names: ['URI:spiffe://cluster.local/ns/shop/sa/api'] };

it('sends its token with each stream, and the next one once it has rotated', async () => {
  await using server = await Listener.start();
  await using mount = await MountedSecret.mount({ token: 'one', 'ca.crt': authority.cert });
  const files = ['--xds-ca', mount.file('ca.crt'), '--xds-token', mount.file('token'), '--xds-sds', join(folder, 'token')];
  await using _ = await startEnvoy({ config: await printed(server.port, files) });
  await until('the first stream', () => server.streams.length > 0);
  expect(server.streams[0]).toBe('Bearer one');
  await mount.update({ token: 'two', 'ca.crt': authority.cert });
  await until('a stream with the new token', () => {
    server.disconnect();
    return server.streams.includes('Bearer two');
  });
});

it('shows its certificate, and the next one once it has rotated', async () => {
  const next = { names: ['URI:spiffe://cluster.local/ns/shop/sa/other'] };
  const files = ({ cert, key }: { cert: string; key: string }) => ({ 'tls.crt': cert, 'tls.key': key, 'ca.crt': authority.cert });
  await using server = await Listener.start();
  await using mount = await MountedSecret.mount(files(authority.issue(CLIENT)));
  const flags = ['--xds-cert', mount.file('tls.crt'), '--xds-key', mount.file('tls.key'), '--xds-ca', mount.file('ca.crt')];
  await using _ = await startEnvoy({ config: await printed(server.port, [...flags, '--xds-sds', join(folder, 'certificate')]) });
  await until('the first stream', () => server.streams.length > 0);
  expect(server.streams[0]).toBe(CLIENT.names[0]);
  await mount.update(files(authority.issue(next)));
  await until('a stream with the new certificate', () => {
    server.disconnect();
    return server.streams.includes(next.names[0] ?? '');
  });
});

it('opens no stream to a server of another authority, until that is trusted', async () => {
  const other = new Authority('other');
  await using server = await Listener.start(other);
  await using mount = await MountedSecret.mount({ 'ca.crt': authority.cert });
  const flags = ['--xds-ca', mount.file('ca.crt'), '--xds-sds', join(folder, 'ca')];
  await using envoy = await startEnvoy({ config: await printed(server.port, flags) });
  await until('a failed handshake', async () => (await envoy.stat('cluster.detour.ssl.fail_verify_error')) > 0);
  expect(server.streams).toEqual([]);
  await mount.update({ 'ca.crt': `${authority.cert}${other.cert}` });
  await until('a stream', () => server.streams.length > 0);
});

it('opens no stream to a server of the right authority and another name', async () => {
  await using server = await Listener.start();
  await using mount = await MountedSecret.mount({ 'ca.crt': authority.cert });
  const flags = ['--xds-ca', mount.file('ca.crt'), '--xds-sds', join(folder, 'name')];
  await using envoy = await startEnvoy({ config: await printed(server.port, flags, 'other.detour-system') });
  await until('a failed handshake', async () => (await envoy.stat('cluster.detour.ssl.fail_verify_san')) > 0);
  expect(server.streams).toEqual([]);
});

it('is valid with the authority in the bootstrap itself, and then needs no file for it', async () => {
  const credentials: EnvoyCredentials = { serverName: NAME, ca: { pem: authority.cert }, sdsFolder: folder };
  const config = bootstrap({
    proxy: { role: 'sidecar', namespace: 'shop', name: 'api-0', inbound: [], outbound: undefined, services: [] },
    xds: [{ host: NAME, port: 18000 }],
    admin: { host: '127.0.0.1', port: 9901 },
    protocol: 'delta',
    credentials,
  });
  expect([...sdsFiles(credentials)]).toEqual([]);
  expect(await validateConfig(config)).toBeUndefined();
});
