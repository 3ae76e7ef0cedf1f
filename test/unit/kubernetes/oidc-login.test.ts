/** Logins by OIDC, against an identity provider of the test's own. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Access } from '../../../src/kubernetes/access.ts';
import { kubeconfigAccess } from '../../../src/kubernetes/kubeconfig.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detour-oidc-'));
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const files = ['-keyout', join(folder, 'key.pem'), '-out', join(folder, 'ca.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  await promisify(execFile)('openssl', ['req', '-x509', ...kind, ...name, ...files]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const part = (claims: object) => Buffer.from(JSON.stringify(claims)).toString('base64url');

/** @param from seconds from now on that it is good for. */
function token(issuer: string, from: number, more: object = {}): string {
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: issuer, aud: 'kubernetes', sub: 'me', iat: now - 60, exp: now + from, ...more };
  return `${part({ alg: 'RS256' })}.${part(claims)}.${Buffer.from('signature').toString('base64url')}`;
}

interface Issuer extends AsyncDisposable {
  readonly url: string;
  /** Bodies of requests for tokens. */
  readonly asked: readonly string[];
}

/** @param seconds that its tokens are good for. */
async function startIssuer(seconds = 3600): Promise<Issuer> {
  const asked: string[] = [];
  const options = { key: await readFile(join(folder, 'key.pem')), cert: await readFile(join(folder, 'ca.pem')) };
  const server = createServer(options, async (request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/.well-known/openid-configuration')
      return response.end(JSON.stringify({ issuer: url, token_endpoint: `${url}/token`, authorization_endpoint: `${url}/a` }));
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
    asked.push(body);
    const granted = { access_token: 'a', token_type: 'Bearer', expires_in: 3600, refresh_token: 'next' };
    return response.end(JSON.stringify({ ...granted, id_token: token(url, seconds, { nonce: asked.length }) }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `https://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url, asked, [Symbol.asyncDispose]: stop };
}

async function accessBy(login: Readonly<Record<string, string>>): Promise<Access> {
  const user = { name: 'me', user: { 'auth-provider': { name: 'oidc', config: login } } };
  const file = join(folder, 'config');
  const clusters = [{ name: 'c', cluster: { server: 'https://10.0.0.1:6443' } }];
  const contexts = [{ name: 'c', context: { cluster: 'c', user: 'me' } }];
  await writeFile(file, JSON.stringify({ 'current-context': 'c', clusters, contexts, users: [user] }));
  return kubeconfigAccess({ files: [file], context: undefined, environment: {}, now: Date.now });
}

const LOGIN = { 'client-id': 'kubernetes', 'refresh-token': 'first', 'idp-certificate-authority': 'ca.pem' };

test('a token that is still good is taken as it is, and nobody is asked', async () => {
  const good = token('https://127.0.0.1:1', 600);
  const access = await accessBy({ ...LOGIN, 'id-token': good, 'idp-issuer-url': 'https://127.0.0.1:1' });
  expect((await access.connect()).token).toBe(good);
});

test('one that has expired is fetched anew, once for as long as the new one is good', async () => {
  await using issuer = await startIssuer();
  const access = await accessBy({ ...LOGIN, 'id-token': token(issuer.url, -5), 'idp-issuer-url': issuer.url });
  const [first, second] = await Promise.all([access.connect(), access.connect()]);
  expect((await access.connect()).token).toBe(first.token);
  expect(second.token).toBe(first.token);
  expect(JSON.parse(Buffer.from(first.token?.split('.')[1] ?? '', 'base64url').toString())).toMatchObject({ nonce: 1 });
  expect(issuer.asked.map((body) => Object.fromEntries(new URLSearchParams(body)))).toMatchObject([
    { grant_type: 'refresh_token', refresh_token: 'first' },
  ]);
});

test('the next one is asked for with what the provider gave last', async () => {
  await using issuer = await startIssuer(-5);
  const access = await accessBy({
    ...LOGIN,
    'client-secret': 'hush',
    'id-token': token(issuer.url, -5),
    'idp-issuer-url': issuer.url,
  });
  await access.connect();
  await access.connect();
  expect(issuer.asked.map((body) => Object.fromEntries(new URLSearchParams(body)))).toEqual([
    { grant_type: 'refresh_token', refresh_token: 'first', client_id: 'kubernetes', client_secret: 'hush' },
    { grant_type: 'refresh_token', refresh_token: 'next', client_id: 'kubernetes', client_secret: 'hush' },
  ]);
});

test('a login that cannot be renewed says so, and what to do', async () => {
  const expired = token('https://127.0.0.1:1', -5);
  const lacking = await accessBy({ 'id-token': expired, 'client-id': 'kubernetes', 'idp-issuer-url': 'https://127.0.0.1:1' });
  await expect(lacking.connect()).rejects.toThrow(
    'user me logs in by OIDC: its token has expired, and there is no refresh-token',
  );
  const away = await accessBy({ ...LOGIN, 'id-token': expired, 'idp-issuer-url': 'https://127.0.0.1:1' });
  await expect(away.connect()).rejects.toThrow(
    /^user me logs in by OIDC: its token has expired, and https:\/\/127\.0\.0\.1:1 gives no new one: .*log in again$/,
  );
}, 30_000);
