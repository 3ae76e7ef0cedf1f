import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inClusterAccess } from '../../../src/kubernetes/in-cluster.ts';
import { kubeconfigAccess } from '../../../src/kubernetes/kubeconfig.ts';
import { readKubeconfig } from '../../../src/kubernetes/kubeconfig-file.ts';
import { until } from '../../support/until.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

interface Parts {
  readonly cluster?: string;
  readonly user?: string;
}

function config({ cluster = '', user = 'token: t' }: Parts = {}): string {
  return `apiVersion: v1
kind: Config
current-context: dev
clusters:
- name: east
  cluster: { server: 'https://10.0.0.1:6443/k8s', ${cluster} }
users:
- name: me
  user: { ${user} }
contexts:
- name: dev
  context: { cluster: east, user: me, namespace: shop }
- name: broken
  context: { cluster: west, user: me }
`;
}

const read = (text: string, context?: string) => readKubeconfig([{ path: '/home/me/.kube/config', text }], context);

describe('a kubeconfig', () => {
  test('gives the server and the credentials of its current context', () => {
    const cluster = `certificate-authority-data: ${base64('CA')}, tls-server-name: api.example, insecure-skip-tls-verify: true`;
    const user = `client-certificate-data: ${base64('CERT')}, client-key: keys/me.pem, tokenFile: /run/token, token: t`;
    expect(read(config({ cluster, user }))).toEqual({
      server: new URL('https://10.0.0.1:6443/k8s'),
      ca: { text: 'CA' },
      serverName: 'api.example',
      isInsecure: true,
      token: { file: '/run/token' },
      certificate: { text: 'CERT' },
      key: { file: '/home/me/.kube/keys/me.pem' },
      exec: undefined,
      proxyUrl: undefined,
      oidc: undefined,
      impersonated: undefined,
      namespace: 'shop',
      userName: 'me',
    });
  });

  test('may say whom its user is to act as', () => {
    const user = "token: t, as: bot, as-uid: '7', as-groups: [a, b], as-user-extra: { reason: [x, y] }";
    const impersonated = { user: 'bot', uid: '7', groups: ['a', 'b'], extra: { reason: ['x', 'y'] } };
    expect(read(config({ user })).impersonated).toEqual(impersonated);
  });

  test('may be spread over several files, of which the first that says something counts', () => {
    const files = [
      { path: '/a', text: 'current-context: mine\ncontexts: [{ name: mine, context: { cluster: east, user: me } }]' },
      { path: '/b', text: config({ user: 'token: second' }) },
      { path: '/c', text: config({ user: 'token: third' }) },
    ];
    expect(readKubeconfig(files, undefined).token).toEqual({ text: 'second' });
  });

  test.each([
    ['no YAML', '{', undefined, 'cannot be read'],
    ['a list', '[]', undefined, 'it must be a map, not a list'],
    ['no context', 'clusters: []', undefined, 'has no current-context: give --context'],
    ['an unknown context', config(), 'prod', 'has no context "prod"; there is: dev, broken'],
    ['an unknown cluster', config(), 'broken', 'has no cluster "west"; there is: east'],
    ['no server', config().replace('https://10.0.0.1:6443/k8s', 'somewhere'), undefined, 'server "somewhere" is no URL'],
    ['an auth-provider', config({ user: 'auth-provider: { name: gcp }' }), undefined, 'use an exec plugin instead, such as'],
    ['a password', config({ user: 'username: me, password: x' }), undefined, 'has a username and password'],
    [
      'groups of nobody',
      config({ user: 'token: t, as-groups: [a]' }),
      undefined,
      'as is missing, and there is as-uid, as-groups',
    ],
    ['a token that is a number', config({ user: 'token: 7' }), undefined, 'token must be a text'],
    [
      'a plugin without a command',
      config({ user: 'exec: { apiVersion: client.authentication.k8s.io/v1 }' }),
      undefined,
      'exec.command is missing',
    ],
    [
      'a plugin of an old kind',
      config({ user: 'exec: { command: x, apiVersion: client.authentication.k8s.io/v1alpha1 }' }),
      undefined,
      'exec.apiVersion must be',
    ],
    [
      'a plugin that asks',
      config({ user: 'exec: { command: x, interactiveMode: Always }' }),
      undefined,
      'interactiveMode: Always',
    ],
  ])('with %s is refused, and what is wrong is said', (_, text, context, message) => {
    expect(() => read(text, context)).toThrow(message);
    expect(() => read(text, context)).toThrow('/home/me/.kube/config');
  });
});

describe('credentials', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'detour-kubeconfig-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const told: string[] = [];
  const access = async (text: string, now = () => 0) => {
    const file = join(folder, 'config');
    await writeFile(file, text);
    told.length = 0;
    const tell = (text: string): void => void told.push(text);
    return kubeconfigAccess({ files: [join(folder, 'missing'), file], context: undefined, environment: process.env, now, tell });
  };

  test('in files are read anew each time', async () => {
    await writeFile(join(folder, 'token'), 'one\n');
    const me = await access(config({ user: 'tokenFile: token' }));
    expect((await me.connect()).token).toBe('one');
    await writeFile(join(folder, 'token'), 'two\n');
    expect((await me.connect()).token).toBe('two');
    await access(config({ user: 'token: three' }));
    expect((await me.connect()).token).toBe('three');
  });

  test('that are not there are named', async () => {
    const me = await access(config({ user: 'tokenFile: nowhere' }));
    await expect(me.connect()).rejects.toThrow('nowhere, which the kubeconfig names, cannot be read: ENOENT');
    const none = kubeconfigAccess({ files: ['/nowhere/config'], context: undefined, environment: {}, now: Date.now });
    await expect(none.connect()).rejects.toThrow('there is no kubeconfig /nowhere/config: give --kubeconfig');
  });

  test('of a pod are its files, read anew each time', async () => {
    await writeFile(join(folder, 'token'), 'pod\n');
    await expect(inClusterAccess('10.0.0.1', 443, folder).connect()).rejects.toThrow('ca.crt cannot be read: ENOENT');
    await writeFile(join(folder, 'ca.crt'), 'CA');
    const me = inClusterAccess('fd00::1', 443, folder);
    expect(await me.connect()).toMatchObject({ server: new URL('https://[fd00::1]:443'), token: 'pod', ca: 'CA' });
    await writeFile(join(folder, 'token'), 'later\n');
    expect((await me.connect()).token).toBe('later');
  });

  describe('of an exec plugin', () => {
    /** Each run adds a line to `runs`. */
    async function plugin(body: string, extra = ''): Promise<string> {
      const path = join(folder, 'plugin');
      await writeFile(join(folder, 'runs'), '');
      await writeFile(path, `#!/bin/sh\necho run >> '${join(folder, 'runs')}'\n${body}\n`);
      await chmod(path, 0o755);
      return config({
        user: `exec: { apiVersion: client.authentication.k8s.io/v1, command: ./plugin, args: [a, b], env: [{ name: X, value: y }], ${extra} }`,
      });
    }
    const print = (status: string) =>
      `echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":${status}}'`;
    const runs = async () => {
      return (await readFile(join(folder, 'runs'), 'utf8')).split('\n').length - 1;
    };

    test('are kept until they expire or are refused, and asked for once for all', async () => {
      let now = Date.parse('2026-01-01T00:00:00Z');
      const me = await access(
        await plugin(print('{"token":"t-\'$1$2$X\'","expirationTimestamp":"2026-01-01T01:00:00Z"}')),
        () => now,
      );
      const connections = await Promise.all([me.connect(), me.connect(), me.connect()]);
      expect(connections.map(({ token }) => token)).toEqual(['t-aby', 't-aby', 't-aby']);
      expect(await runs()).toBe(1);
      now += 3_595_000;
      await Promise.all([me.connect(), me.connect()]);
      // What it prints is expired again, so both ask, one after the other.
      expect(await runs()).toBeGreaterThan(1);
    });

    test('are asked for again when the server refuses them', async () => {
      const me = await access(await plugin(print('{"clientCertificateData":"C","clientKeyData":"K"}')));
      expect(await me.connect()).toMatchObject({ certificate: 'C', key: 'K', token: undefined });
      await me.connect();
      expect(await runs()).toBe(1);
      me.forget();
      await me.connect();
      expect(await runs()).toBe(2);
    });

    test('may depend on the cluster', async () => {
      const me = await access(
        await plugin(
          `case "$KUBERNETES_EXEC_INFO" in *'"server":"https://10.0.0.1:6443/k8s"'*) ${print('{"token":"ok"}')};; esac`,
          'provideClusterInfo: true',
        ),
      );
      expect((await me.connect()).token).toBe('ok');
    });

    test('may need somebody to log in: what the plugin says is told while it runs', async () => {
      const me = await access(
        await plugin(`echo enter ABC >&2; until [ -e '${join(folder, 'in')}' ]; do sleep 0.01; done; ${print('{"token":"t"}')}`),
      );
      const connected = me.connect();
      await until('what it says', () => told.join('') === 'enter ABC\n');
      await writeFile(join(folder, 'in'), '');
      expect((await connected).token).toBe('t');
    });

    test.each([
      ['fails', 'echo you are logged out >&2; exit 1', 'failed: you are logged out'],
      ['prints nothing of the kind', 'echo hello', 'printed no JSON'],
      ['has no credentials', print('{}'), 'printed neither a token nor a certificate'],
      ['prints another version', print('{"token":"t"}').replace('/v1', '/v1beta1'), 'and the kubeconfig says'],
    ])('that %s are told as trouble', async (_, body, message) => {
      const me = await access(await plugin(body));
      await expect(me.connect()).rejects.toThrow(message);
      await expect(me.connect()).rejects.toThrow(`exec plugin ${join(folder, 'plugin')}`);
    });

    test('that is not there come with the hint of how to install it', async () => {
      const me = await access(config({ user: 'exec: { command: detour-no-such-plugin, installHint: get it at a.example }' }));
      await expect(me.connect()).rejects.toThrow('it is not there: get it at a.example');
    });
  });
});
