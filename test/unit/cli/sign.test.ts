import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runSign } from '../../../src/cli/sign.ts';
import { readSecrets } from '../../../src/keys/secrets.ts';
import { verifySignedKey } from '../../../src/keys/signed-key.ts';

/** Of the clock's own time, where another process looks at it. */
const LATER = new Date(Date.now() + 3_600_000).toISOString();
const NOW = Date.parse('2026-11-22T12:00:00Z');
const FILE = `# the young one\n${'young'.repeat(8)}\n${'old'.repeat(12)}\n`;
const SECRETS = readSecrets(Buffer.from(FILE)).secrets;

let folder: string;
let keys: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detour-sign-'));
  keys = join(folder, 'keys');
  await writeFile(keys, FILE);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

async function sign(args: readonly string[], input = ''): Promise<Said> {
  let [out, err] = ['', ''];
  const io = {
    out: (text: string) => (out += text),
    err: (text: string) => (err += text),
    environment: {},
    input: () => Promise.resolve(input),
  };
  return { code: await runSign(args, io, NOW), out, err };
}

describe('detour sign', () => {
  test('prints a key that counts for eight hours, by the first secret', async () => {
    const { code, out, err } = await sign(['pr-42', '--secret-file', keys]);
    expect([code, err]).toEqual([0, '']);
    const expires = Date.parse('2026-11-22T20:00:00Z') / 1000;
    expect(verifySignedKey(out.trim(), SECRETS.slice(0, 1), NOW)).toEqual({ key: 'pr-42', expires });
  });

  test('reads the secret from standard input', async () => {
    const { out } = await sign(['pr-42', '--secret-file', '-'], FILE);
    expect(out).toBe((await sign(['pr-42', '--secret-file', keys])).out);
  });

  test('takes the bytes of standard input as those of a file', async () => {
    const bytes = Buffer.from(Array.from({ length: 48 }, (_, index) => 0xff - index));
    const file = join(folder, 'bytes');
    await writeFile(file, bytes);
    const main = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
    const run = (path: string): string => {
      const args = [main, 'sign', 'pr-42', '--expires', LATER, '--secret-file', path];
      return spawnSync(process.execPath, args, { input: bytes, encoding: 'utf8' }).stdout;
    };
    const said = run('-');
    expect(said).toMatch(/^pr-42\.\d+\./);
    expect(said).toBe(run(file));
  });

  test.each<[readonly string[], string]>([
    [['--ttl', '90m'], '2026-11-22T13:30:00Z'],
    [['--ttl', '30d'], '2026-12-22T12:00:00Z'],
    [['--expires', '2026-11-23T00:00:00+01:00'], '2026-11-22T23:00:00Z'],
  ])('%j says until when', async (more, expires) => {
    const { out } = await sign(['pr-42', '--secret-file', keys, '-o', 'json', ...more]);
    const told = JSON.parse(out);
    expect(told).toEqual({ key: 'pr-42', expires, token: expect.stringMatching(/^pr-42\.\d+\.[\w-]{43}$/) });
    const wide = await sign(['pr-42', '--secret-file', keys, '-o', 'wide', ...more]);
    expect(wide.out).toBe(`${told.token}\nIt counts until ${expires}.\n`);
  });

  test.each([
    ['shop.example.com', 'https://pr-42--shop.example.com/'],
    ['pr-42--shop.example.com', 'https://pr-42--shop.example.com/'],
    ['https://shop.example.com:8443/a?b=1', 'https://pr-42--shop.example.com:8443/a?b=1'],
    ['https://pr-42--api.preview.example.com/x', 'https://pr-42--api.preview.example.com/x'],
    ['http://shop.localhost:8080', 'http://pr-42--shop.localhost:8080/'],
  ])('--url %s is opened by %s and a parameter', async (url, expected) => {
    const { out } = await sign(['pr-42', '--secret-file', keys, '--url', url]);
    const token = (await sign(['pr-42', '--secret-file', keys])).out.trim();
    expect(out).toBe(`${expected}${expected.includes('?') ? '&' : '?'}detour=${token}\n`);
  });

  test.each<[readonly string[], string]>([
    [[], 'KEY is missing'],
    [['PR-42'], 'KEY "PR-42"'],
    [['pr--42'], 'KEY "pr--42"'],
    [['pr-42', '--ttl', '31d'], '--ttl is more than 30 days from now'],
    [['pr-42', '--expires', '2027-11-22T12:00:00Z'], '--expires is more than 30 days from now'],
    [['pr-42', '--expires', '2026-11-22T11:59:59Z'], 'is over'],
    [['pr-42', '--expires', 'tomorrow'], 'must be an instant'],
    [['pr-42', '--ttl', '1h', '--expires', '2026-11-22T13:00:00Z'], 'leave one out'],
    [['pr-42', '--secret', 'a'], '--secret and --secret-file both'],
    [['pr-42', '--url', 'shop'], 'must be a URL or a host'],
    [['pr-42', '--url', 'http://shop.example.com'], 'must begin with https://'],
    [['pr-42', '--url', 'pr-43--shop.example.com'], 'is not of the key pr-42'],
    [['pr-42', '--url', `${'a'.repeat(60)}.example.com`], 'longer than a DNS label'],
  ])('%j is told as a mistake', async (args, mistake) => {
    const { code, out, err } = await sign([...args, '--secret-file', keys]);
    expect([code, out, err]).toEqual([2, '', expect.stringContaining(mistake)]);
  });

  test('says what is wrong with the file', async () => {
    expect((await sign(['pr-42', '--secret-file', join(folder, 'none')])).err).toMatch(
      /--secret-file \S+none is not there\. Make one: head -c 48/,
    );
    const short = await sign(['pr-42', '--secret-file', '-'], 'hunter2\n');
    expect([short.code, short.err]).toEqual([
      1,
      expect.stringContaining('no secret of 32 bytes or more: shorter ones can be guessed'),
    ]);
    expect((await sign(['pr-42', '--secret-file', '-'], '# nothing\n')).err).toContain('standard input holds no secret.');
  });

  describe('with a Secret', () => {
    const server = createServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      const secret = (data: object): string => JSON.stringify({ kind: 'Secret', data });
      const data = { keys: Buffer.from(FILE).toString('base64') };
      if (request.url === '/api/v1/namespaces/detour-system/secrets/detour-signing') response.end(secret(data));
      else if (request.url === '/api/v1/namespaces/shop/secrets/mine') response.end(secret(data));
      else if (request.url === '/api/v1/namespaces/shop/secrets/other') response.end(secret({ password: 'eA==' }));
      else if (request.url === '/api/v1/namespaces/shop/secrets/theirs') {
        const message = 'secrets "theirs" is forbidden: User "dev" cannot get resource "secrets"';
        response.writeHead(403).end(JSON.stringify({ kind: 'Status', code: 403, reason: 'Forbidden', message }));
      } else response.writeHead(404).end(JSON.stringify({ kind: 'Status', code: 404, reason: 'NotFound', message: 'not found' }));
    });
    let kubeconfig: string;
    beforeAll(async () => {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      kubeconfig = join(folder, 'kubeconfig');
      // A TCP server that listens has an AddressInfo.
      const cluster = { server: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
      const config = {
        ...{ 'current-context': 'c', clusters: [{ name: 'c', cluster }], users: [{ name: 'u', user: {} }] },
        contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      };
      await writeFile(kubeconfig, JSON.stringify(config));
    });
    afterAll(() => {
      server.closeAllConnections();
      server.close();
    });
    const ask = (...args: readonly string[]): Promise<Said> => sign(['pr-42', '--kubeconfig', kubeconfig, ...args]);

    test('takes the one that gateways mount, or another', async () => {
      const { out } = await sign(['pr-42', '--secret-file', keys]);
      expect(await ask()).toEqual({ code: 0, out, err: '' });
      expect(await ask('--secret', 'mine', '-n', 'shop')).toEqual({ code: 0, out, err: '' });
    });

    test.each<[readonly string[], string]>([
      [['--secret', 'none'], 'there is no Secret none in detour-system'],
      [['--secret', 'other', '-n', 'shop'], 'the Secret other in shop has no entry keys'],
      [['--secret', 'theirs', '-n', 'shop'], 'cannot read the Secret theirs in shop: 403 secrets "theirs" is forbidden'],
    ])('%j says what is wrong', async (args, trouble) => {
      const { code, err } = await ask(...args);
      expect([code, err]).toEqual([1, expect.stringContaining(trouble)]);
    });
  });
});
