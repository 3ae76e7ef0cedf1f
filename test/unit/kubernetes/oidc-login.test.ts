/** Logins by OIDC, against an identity provider of the test's own. */
import { execFile } from 'node:child_process';
import { lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
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

interface Habits {
  /** That its tokens are good for. */
  readonly seconds?: number;
  /** It takes a refresh token but once. */
  readonly rotates?: boolean;
}

async function startIssuer({ seconds = 3600, rotates = false }: Habits = {}): Promise<Issuer> {
  const asked: string[] = [];
  const taken = new Set<string>();
  const options = { key: await readFile(join(folder, 'key.pem')), cert: await readFile(join(folder, 'ca.pem')) };
  const server = createServer(options, async (request, response) => {
    response.setHeader('content-type', 'application/json');
    if (request.url === '/.well-known/openid-configuration')
      return response.end(JSON.stringify({ issuer: url, token_endpoint: `${url}/token`, authorization_endpoint: `${url}/a` }));
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
    asked.push(body);
    const shown = new URLSearchParams(body).get('refresh_token') ?? '';
    if (rotates && taken.has(shown)) {
      response.statusCode = 400;
      return response.end(JSON.stringify({ error: 'invalid_grant', error_description: 'used before' }));
    }
    taken.add(shown);
    const granted = {
      access_token: 'a',
      token_type: 'Bearer',
      expires_in: 3600,
      refresh_token: rotates ? `next-${asked.length}` : 'next',
    };
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
  return reader(file);
}

/** As another command would. */
function reader(file = join(folder, 'config'), tell?: (text: string) => void): Access {
  return kubeconfigAccess({ files: [file], context: undefined, environment: {}, now: Date.now, tell });
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
  await using issuer = await startIssuer({ seconds: -5 });
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

test('a renewed login is written back, so that the next command has it', async () => {
  await using issuer = await startIssuer({ rotates: true });
  const expired = { ...LOGIN, 'id-token': token(issuer.url, -5), 'idp-issuer-url': issuer.url };
  const { token: renewed } = await (await accessBy(expired)).connect();
  expect((await reader().connect()).token).toBe(renewed);
  expect(issuer.asked).toHaveLength(1);
  // What the provider gives is read from the file, where it is the only thing that has changed.
  const written = JSON.parse(await readFile(join(folder, 'config'), 'utf8'));
  expect(written.users[0].user['auth-provider'].config).toEqual({ ...expired, 'id-token': renewed, 'refresh-token': 'next-1' });
  expect(written.contexts).toEqual([{ name: 'c', context: { cluster: 'c', user: 'me' } }]);
  expect((await readdir(folder)).filter((name) => name.startsWith('config'))).toEqual(['config']);
});

test('comments, mode and a link of the file stay as they are', async () => {
  await using issuer = await startIssuer({ rotates: true });
  const text = `# mine
current-context: c # this one
clusters: [ { name: c, cluster: { server: 'https://10.0.0.1:6443' } } ]
contexts: [ { name: c, context: { cluster: c, user: me } } ]
users:
- name: other
  user: { token: x }
- name: me
  user:
    auth-provider:
      name: oidc
      config:
        client-id: kubernetes
        id-token: ${token(issuer.url, -5)}
        idp-certificate-authority: ca.pem
        idp-issuer-url: ${issuer.url}
        refresh-token: first
`;
  await writeFile(join(folder, 'real'), text, { mode: 0o640 });
  await symlink('real', join(folder, 'link'));
  const { token: renewed } = await reader(join(folder, 'link')).connect();
  expect((await lstat(join(folder, 'link'))).isSymbolicLink()).toBe(true);
  expect((await stat(join(folder, 'real'))).mode & 0o777).toBe(0o640);
  expect(await readFile(join(folder, 'real'), 'utf8')).toBe(
    text.replace(/id-token: .*/, `id-token: ${renewed}`).replace('refresh-token: first', 'refresh-token: next-1'),
  );
});

test('of commands that renew one login at the same time each has a token, though the provider takes the login but once', async () => {
  await using issuer = await startIssuer({ rotates: true });
  await accessBy({ ...LOGIN, 'id-token': token(issuer.url, -5), 'idp-issuer-url': issuer.url });
  const tokens = await Promise.all(Array.from({ length: 4 }, async () => (await reader().connect()).token));
  expect(new Set(tokens).size).toBe(1);
});

test('a login that cannot be written back is used all the same, and told', async () => {
  await using issuer = await startIssuer();
  await accessBy({ ...LOGIN, 'id-token': token(issuer.url, -5), 'idp-issuer-url': issuer.url });
  // Somebody who died while writing it.
  await writeFile(join(folder, 'config.lock'), '');
  const told: string[] = [];
  const access = reader(join(folder, 'config'), (text) => told.push(text));
  expect((await access.connect()).token).toBeDefined();
  expect(told.join('')).toMatch(
    /^the renewed login of user me cannot be written to its kubeconfig \(EEXIST.*config\.lock.*log in again\n$/,
  );
  await rm(join(folder, 'config.lock'));
});
