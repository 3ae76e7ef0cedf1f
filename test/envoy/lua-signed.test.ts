/** A gateway that takes signed keys alone, on a real Envoy. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { signKey } from '../../src/keys/signed-key.ts';
import { SIGNED_VECTORS } from '../support/signed-vectors.ts';
import { until } from '../support/until.ts';
import { type HeaderList, type Lab, type LabReply, labHost, startLab, values } from './lua-lab.ts';

const FIRST = 'first-secret-of-the-gateway-0123456789';
const SECOND = 'second-secret-of-the-gateway-0123456789';
const LATER = Math.floor(Date.now() / 1000) + 3600;
const HTML = 'text/html; charset=utf-8';

const sign = (key: string, { expires = LATER, secret = FIRST } = {}): string =>
  signKey({ key, expires }, Buffer.from(secret, 'latin1'));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'detour-keys-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function signedLab(file: string): Promise<Lab> {
  const host = (name: string, urls: boolean, more: object = {}): { shardHost: string; virtualHost: object } => ({
    shardHost: name,
    virtualHost: labHost({ name, domains: urls ? [name, `*--${name}`] : [name], keys: ['pr-1', 'pr-2'], ...more }),
  });
  return startLab({
    settings: {
      ...{ role: 'gateway', carriers: 'signed', keys_file: file, preview_domain: 'preview.example.com' },
      ...{ header_aliases: ['X-Alias'], member_aliases: ['alias'], cors_origins: ['https://app.example.com'] },
    },
    keys: { live: ['pr-1', 'pr-2'], hosts: ['two--dashes.example.com', 'pr-1--api.preview.example.com'] },
    hosts: [
      host('shop.example.com', true, { members: { user: ['alice'] } }),
      host('two--dashes.example.com', false),
      host('pr-1--api.preview.example.com', false),
    ],
  });
}

describe('both readers of signed keys agree with what others sign:', () => {
  let lab: Lab;
  beforeAll(async () => {
    const file = join(folder, 'vectors');
    const secrets = new Set(SIGNED_VECTORS.map(({ secret }) => secret));
    await writeFile(file, [...secrets].join('\n'));
    lab = await signedLab(file);
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  // The file has all secrets, so what another secret has signed counts here.
  test.each(SIGNED_VECTORS.filter(({ promise }) => promise !== 'another secret'))('$promise', async ({ text, key }) => {
    const reply = await lab.ask({ host: 'shop.example.com', headers: [['x-detour', text]] });
    expect([reply.status, values(reply, 'x-detour')]).toEqual([200, key === undefined ? [] : [key]]);
  });
});

describe('a gateway that takes signed keys', () => {
  let lab: Lab;
  beforeAll(async () => {
    const file = join(folder, 'keys');
    await writeFile(file, `${FIRST}\n# the one before\n${SECOND}\nshort\n`);
    lab = await signedLab(file);
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  const ask = (headers: HeaderList, host = 'shop.example.com'): Promise<LabReply> => lab.ask({ host, headers });
  const carried = (reply: LabReply): unknown =>
    ['x-detour', 'x-alias', 'baggage', 'tracestate', 'cookie'].map((name) => values(reply, name).join(' | '));

  it.each<[string, HeaderList, string, readonly string[]]>([
    ['in the header', [['x-detour', sign('pr-1')]], 'pr-1', ['pr-1', '', '', '', '']],
    ['by any of the secrets', [['x-detour', sign('pr-1', { secret: SECOND })]], 'pr-1', ['pr-1', '', '', '', '']],
    ['in an alias', [['x-alias', sign('pr-2')]], 'pr-2', ['pr-2', 'pr-2', '', '', '']],
    [
      'in baggage, whose other members stay',
      [['baggage', `a=%20;p=1, detour = ${sign('pr-1')} ;q,B=2`]],
      'pr-1',
      ['pr-1', '', 'detour=pr-1,a=%20;p=1,B=2', '', ''],
    ],
    ['in tracestate', [['tracestate', `v=1,alias=${sign('pr-1')},w=2`]], 'pr-1', ['pr-1', '', '', 'detour=pr-1,v=1,w=2', '']],
    ['encoded', [['baggage', `detour=${sign('pr-1').replaceAll('.', '%2E')}`]], 'pr-1', ['pr-1', '', 'detour=pr-1', '', '']],
    [
      'the first that counts, over others',
      [
        ['x-detour', 'pr-2'],
        ['x-alias', 'pr-2'],
        ['baggage', `detour=${sign('pr-1')}`],
        ['tracestate', 'detour=pr-2'],
      ],
      'pr-1',
      ['pr-1', 'pr-1', 'detour=pr-1', 'detour=pr-1', ''],
    ],
  ])('takes a signed key %s', async (_, headers, route, expected) => {
    const reply = await ask(headers);
    expect([reply.route, carried(reply)]).toEqual([`shop.example.com:${route}`, expected]);
  });

  it.each<[string, HeaderList]>([
    ['plain', [['x-detour', 'pr-1']]],
    ['expired', [['x-detour', sign('pr-1', { expires: 1_700_000_000 })]]],
    ['of another secret', [['x-detour', sign('pr-1', { secret: 'x'.repeat(40) })]]],
    ['of a secret that is too short', [['x-detour', sign('pr-1', { secret: 'short' })]]],
    ['signed for another key', [['x-detour', sign('pr-2').replace('pr-2', 'pr-1')]]],
    ['plain in baggage', [['baggage', 'detour=pr-1']]],
    ['in a cookie where no preview is asked for', [['cookie', `__Host-detour=${sign('pr-1')}`]]],
    ['very long', [['x-detour', `${sign('pr-1')}${'x'.repeat(5000)}`]]],
  ])('sends what carries a key that is %s to the baseline, without it', async (_, headers) => {
    const reply = await ask(headers);
    expect([reply.route, carried(reply)]).toEqual(['shop.example.com:baseline', ['', '', '', '', '']]);
    // Nobody learns why from the reply.
    expect(Object.keys(reply.headers).filter((name) => name.startsWith('x-detour'))).toEqual([]);
  });

  it('says in the log how many did not count, and not what they were', async () => {
    await lab.envoy.admin('/logging?lua=info', 'POST');
    // A line every ten seconds at most.
    const line = await until(
      'a line in the log',
      async () => {
        await ask([['x-detour', 'pr-secret-name']]);
        return /carriers that do not count: \d+ unsigned, \d+ expired, \d+ forged/.exec(await lab.envoy.log())?.[0];
      },
      20_000,
    );
    expect(line).toBeDefined();
    expect(await lab.envoy.log()).not.toContain('pr-secret-name');
    expect(await lab.envoy.log()).toContain('has 1 lines with less than 32 bytes');
  });

  it('leaves rules to match, on baggage too', async () => {
    const reply = await ask([
      ['baggage', 'user=alice,detour=pr-1'],
      ['x-user', 'alice'],
    ]);
    expect([reply.route, values(reply, 'baggage'), values(reply, 'x-user')]).toEqual([
      'shop.example.com:user=alice',
      ['user=alice'],
      ['alice'],
    ]);
  });

  describe('at the URL of a preview', () => {
    const HOST = 'pr-1--shop.example.com';

    it('shows how to get a signed key to who has none', async () => {
      const reply = await ask([], HOST);
      expect([reply.status, reply.headers['content-type'], reply.headers['cache-control']]).toEqual([403, HTML, 'no-store']);
      expect(reply.body).toContain('<code>detour sign pr-1 --url https://pr-1--shop.example.com/</code>');
      expect((await lab.ask({ method: 'HEAD', host: HOST })).status).toBe(403);
      expect((await lab.ask({ method: 'POST', host: HOST, headers: [['content-length', '0']] })).status).toBe(403);
    });

    it('answers alike whether the preview is there or not', async () => {
      const pages = await Promise.all(
        [
          'pr-1--shop.example.com',
          'pr-9--shop.example.com',
          'pr-1--api.preview.example.com',
          'pr-9--api.preview.example.com',
        ].map(async (host) => {
          const { status, body, headers } = await ask([['x-detour', 'pr-1']], host);
          const { date: _, ...others } = headers;
          return { status, body: body.replaceAll(host, 'HOST').replaceAll(/pr-\d/g, 'KEY'), names: Object.keys(others) };
        }),
      );
      expect(pages.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
      for (const page of pages) expect(page).toEqual(pages[0]);
    });

    it.each<[string, HeaderList]>([
      ['the header', [['x-detour', sign('pr-1')]]],
      ['the cookie', [['cookie', `__Host-detour=${sign('pr-1')}`]]],
      [
        'the cookie, beside a header of another key',
        [
          ['x-detour', sign('pr-2')],
          ['cookie', `__Host-detour=${sign('pr-1')}`],
        ],
      ],
    ])('takes a signed key of this preview, in %s', async (_, headers) => {
      const reply = await ask(headers, HOST);
      expect([reply.route, carried(reply)]).toEqual(['shop.example.com:pr-1', ['pr-1', '', 'detour=pr-1', '', '']]);
    });

    it('wants one of this very preview', async () => {
      expect((await ask([['x-detour', sign('pr-2')]], HOST)).status).toBe(403);
      expect((await ask([['cookie', `__Host-detour=${sign('pr-2')}`]], HOST)).status).toBe(403);
      expect((await ask([['cookie', `__Host-detour=${sign('pr-1', { expires: 1_700_000_000 })}`]], HOST)).status).toBe(403);
    });

    it('keeps the other cookies, each as it was', async () => {
      const own = `__Host-detour=${sign('pr-1')}`;
      for (const [sent, kept] of [
        [`a=1; ${own}; b="2, 3" ;c`, 'a=1; b="2, 3" ;c'],
        [`${own};a=1`, 'a=1'],
        [`a=1;${own}`, 'a=1'],
        [`${own}; __host-DETOUR=x; a=1`, 'a=1'],
        [`my__Host-detour=1; ${own}`, 'my__Host-detour=1'],
      ] as const)
        expect([sent, values(await ask([['cookie', sent]], HOST), 'cookie')]).toEqual([sent, [kept]]);
      const lines: HeaderList = [
        ['cookie', 'a=1'],
        ['cookie', own],
        ['cookie', 'b=2'],
      ];
      expect(values(await ask(lines, HOST), 'cookie')).toEqual(['a=1', 'b=2']);
    });

    it('keeps its own cookie from the apps of all hosts', async () => {
      expect(values(await ask([['cookie', 'a=1; __Host-detour=x']]), 'cookie')).toEqual(['a=1']);
    });

    const open = (path: string, method = 'GET'): Promise<LabReply> => lab.ask({ host: HOST, path, method });

    it('makes a cookie of a signed key in the query, once, and leads to the same URL without it', async () => {
      const token = sign('pr-1');
      const reply = await open(`/a%20b?x=1&detour=${token}&y=%26`);
      expect([reply.status, reply.headers.location, reply.headers['cache-control'], reply.headers['referrer-policy']]).toEqual([
        ...[303, '/a%20b?x=1&y=%26', 'no-store', 'no-referrer'],
      ]);
      const cookie = reply.headers['set-cookie']?.[0] ?? '';
      expect(cookie).toMatch(/^__Host-detour=[^;]+; Path=\/; Max-Age=\d+; Secure; HttpOnly; SameSite=Lax$/);
      const age = Number(/Max-Age=(\d+)/.exec(cookie)?.[1]);
      expect(age).toBeGreaterThan(3000);
      expect(age).toBeLessThanOrEqual(3600);
      const again = await ask([['cookie', cookie.split(';', 1)[0] ?? '']], HOST);
      expect(again.route).toBe('shop.example.com:pr-1');
    });

    it('leads to no other host', async () => {
      const token = sign('pr-1');
      for (const [path, location] of [
        [`//evil.example.com/?detour=${token}`, '/'],
        [`/\\evil.example.com/?detour=${token}`, '/'],
        [`/%2F/evil.example.com/?detour=${token}`, '/%2F/evil.example.com/'],
        [`/?detour=${token}`, '/'],
        [`/?detour=${token}&detour=${token}`, '/'],
      ] as const)
        expect([path, (await open(path)).headers.location]).toEqual([path, location]);
    });

    it('takes no other query for one', async () => {
      for (const path of [`/?detour=${sign('pr-2')}`, '/?detour=pr-1', `/?x=detour=${sign('pr-1')}`, '/?detour=', '/?detour'])
        expect([path, (await open(path)).status]).toEqual([path, 403]);
      // Browsers that are to send it again get no page.
      expect((await lab.ask({ host: HOST, path: `/?detour=${sign('pr-1')}`, method: 'POST' })).status).toBe(403);
    });

    it('leaves a parameter by that name to the app', async () => {
      const reply = await lab.ask({ host: HOST, path: '/?detour=home', headers: [['x-detour', sign('pr-1')]] });
      expect(reply.route).toBe('shop.example.com:pr-1');
    });

    it('says to who has a signed key that there is no such preview', async () => {
      const reply = await ask([['x-detour', sign('pr-9')]], 'pr-9--shop.example.com');
      expect([reply.status, reply.body.includes('No preview is live')]).toEqual([404, true]);
      expect((await ask([['x-detour', sign('pr-9')]], 'pr-9--api.preview.example.com')).status).toBe(404);
    });

    it('wants one for an address of the preview domain', async () => {
      const host = 'pr-1--api.preview.example.com';
      expect((await ask([], host)).status).toBe(403);
      expect((await ask([['x-detour', sign('pr-1')]], host)).route).toBe(`${host}:pr-1`);
    });

    it('knows a host of its own with dashes from a preview', async () => {
      expect((await ask([], 'two--dashes.example.com')).route).toBe('two--dashes.example.com:baseline');
    });

    it('leaves hosts that nobody serves to Envoy', async () => {
      const reply = await ask([], 'pr-1--nobody.example.com');
      expect([reply.status, reply.body]).toEqual([404, '']);
    });
  });

  it('goes on when more signed keys and more header names came than it remembers', { timeout: 180_000 }, async () => {
    for (let start = 0; start < 1_100; start += 50) {
      const replies = await Promise.all(
        Array.from({ length: 50 }, (_, index) => ask([['x-detour', sign('pr-1', { expires: LATER + start + index })]])),
      );
      expect(new Set(replies.map(({ route }) => route))).toEqual(new Set(['shop.example.com:pr-1']));
    }
    for (let start = 0; start < 4_200; start += 80) {
      const names = Array.from({ length: 80 }, (_, index): readonly [string, string] => [`x-n${start + index}`, '1']);
      const reply = await ask([...names, ['x_detour', 'pr-1'], ['x-detour', sign('pr-1')]]);
      expect([reply.route, values(reply, 'x_detour'), values(reply, `x-n${start}`)]).toEqual([
        'shop.example.com:pr-1',
        [],
        ['1'],
      ]);
    }
  });

  it('takes away what the largest headers hold in milliseconds', { timeout: 120_000 }, async () => {
    const large = (text: string): string => text.repeat(Math.floor(45_000 / text.length));
    for (const shape of [' ', '\t', ',', ';', '%', '%25', '"', '=', 'detour', ' %', 'a ']) {
      for (const [name, value] of [
        ['baggage', `detour=x,a=1${large(shape)}b`],
        ['baggage', `detour=x,a${large(shape)}=1`],
        ['tracestate', `${large(shape)}a,detour=x,${shape}b`],
        ['cookie', `__Host-detour=x; a=1${large(shape)}b`],
      ] as const) {
        // On a busy machine one of a few is quick all the same; what takes a step for each pair of letters never is.
        let quickest = Number.POSITIVE_INFINITY;
        for (let attempt = 0; attempt < 5 && quickest > 250; attempt += 1) {
          const started = performance.now();
          expect((await ask([[name, value]])).route, `${name} of ${JSON.stringify(shape)}`).toBe('shop.example.com:baseline');
          quickest = Math.min(quickest, performance.now() - started);
        }
        expect(quickest, `${name} of ${JSON.stringify(shape)}`).toBeLessThan(1000);
      }
    }
  });

  it('looks at a few signed keys of a query or of cookies, and at no more', async () => {
    const forged = `pr-1.${LATER}.${'A'.repeat(43)}`;
    const url = (before: number): string => `/?${`detour=${forged}&`.repeat(before)}detour=${sign('pr-1')}`;
    const cookie = (before: number): HeaderList => [
      ['cookie', `${`__Host-detour=${forged};`.repeat(before)}__Host-detour=${sign('pr-1')}`],
    ];
    const host = 'pr-1--shop.example.com';
    const statuses = [
      ...(await Promise.all([15, 16, 400].map((before) => lab.ask({ host, path: url(before) })))),
      ...(await Promise.all([15, 16, 400].map((before) => ask(cookie(before), host)))),
    ].map(({ status }) => status);
    expect(statuses).toEqual([303, 403, 403, 200, 403, 403]);
  });

  it('answers preflights for carriers: they cannot have one', async () => {
    const headers: HeaderList = [
      ['origin', 'https://app.example.com'],
      ['access-control-request-method', 'GET'],
      ['access-control-request-headers', 'x-detour'],
    ];
    expect((await lab.ask({ method: 'OPTIONS', host: 'pr-1--shop.example.com', headers })).status).toBe(204);
  });
});

describe('the file of secrets', () => {
  it('is read again: a new secret counts, an old one no more, and none lets no key count', { timeout: 180_000 }, async () => {
    const file = join(folder, 'rotated');
    await using lab = await signedLab(file);
    const route = async (secret: string): Promise<string | undefined> =>
      (await lab.ask({ host: 'shop.example.com', headers: [['x-detour', sign('pr-1', { secret })]] })).route;
    const [preview, baseline] = ['shop.example.com:pr-1', 'shop.example.com:baseline'];
    expect(await route(FIRST)).toBe(baseline);
    const logged = (text: string): Promise<unknown> =>
      until(`the log to say ${text}`, async () => (await lab.envoy.log()).includes(text), 30_000);
    await logged(`no signed key counts: ${file} cannot be read`);
    await writeFile(file, FIRST);
    await until('the secret to count', async () => (await route(FIRST)) === preview, 30_000);
    await writeFile(file, `${SECOND}\n`);
    await until('the other secret to count', async () => (await route(SECOND)) === preview, 30_000);
    expect(await route(FIRST)).toBe(baseline);
    await writeFile(file, '');
    await until('no secret to count', async () => (await route(SECOND)) === baseline, 30_000);
    await logged('holds no secret of 32 bytes or more');
  });
});
