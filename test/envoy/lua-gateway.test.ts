/** Hosts, preview URLs and CORS of a gateway, on a real Envoy. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HeaderList, type Lab, type LabReply, labHost, startLab, values } from './lua-lab.ts';

const ORIGIN = 'https://app.example.com';

describe('a gateway', () => {
  let lab: Lab;
  beforeAll(async () => {
    const host = (name: string, urls: boolean, more: object = {}): { shardHost: string; virtualHost: object } => ({
      shardHost: name,
      virtualHost: labHost({ name, domains: urls ? [name, `*--${name}`] : [name], keys: ['pr-1', 'pr-12'], ...more }),
    });
    lab = await startLab({
      settings: { role: 'gateway', preview_domain: 'preview.example.com', cors_origins: [ORIGIN], header_aliases: ['X-Alias'] },
      keys: { live: ['pr-1', 'pr-12', 'a', 'x'.repeat(60)], hosts: ['two--dashes.example.com'] },
      hosts: [
        host('shop.example.com', true, { members: { user: ['alice'] } }),
        host('api.example.com', true),
        host('two--dashes.example.com', false),
        host('xn--bcher-kva.example.com', false),
        host('10.0.0.1', false),
        host('[::1]', false),
        host('nourls.example.com', false),
        host('pr-1--api.preview.example.com', false),
        host('pr-1--api--other.preview.example.com', false),
      ],
    });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  const route = async (host: string, headers: HeaderList = []): Promise<string> => {
    const reply = await lab.ask({ host, headers });
    return reply.route ?? `${reply.status}`;
  };

  it.each([
    ['shop.example.com', 'shop.example.com:baseline'],
    ['api.example.com', 'api.example.com:baseline'],
    ['SHOP.Example.COM', 'shop.example.com:baseline'],
    ['shop.example.com:8080', 'shop.example.com:baseline'],
    ['shop.example.com.', 'shop.example.com:baseline'],
    ['shop.example.com.:8080', 'shop.example.com:baseline'],
    ['10.0.0.1', '10.0.0.1:baseline'],
    ['10.0.0.1:80', '10.0.0.1:baseline'],
    ['[::1]', '[::1]:baseline'],
    ['[::1]:8080', '[::1]:baseline'],
    ['xn--bcher-kva.example.com', 'xn--bcher-kva.example.com:baseline'],
    ['two--dashes.example.com', 'two--dashes.example.com:baseline'],
    ['two--dashes.example.com:80', 'two--dashes.example.com:baseline'],
    ['nobody.example.com', '404'],
    ['example.com', '404'],
    ['[::2]', '404'],
    [`${'a.'.repeat(200)}example.com`, '404'],
  ])('%s goes to %s', async (host, expected) => {
    expect(await route(host)).toBe(expected);
  });

  it('takes the key of the host, then header, then baggage', async () => {
    expect(await route('pr-1--shop.example.com')).toBe('shop.example.com:pr-1');
    expect(await route('pr-12--SHOP.example.com:8080')).toBe('shop.example.com:pr-12');
    expect(await route('pr-1--shop.example.com', [['x-detour', 'pr-12']])).toBe('shop.example.com:pr-1');
    expect(await route('shop.example.com', [['x-detour', 'pr-12']])).toBe('shop.example.com:pr-12');
    expect(await route('shop.example.com', [['baggage', 'detour=pr-12']])).toBe('shop.example.com:pr-12');
    expect(await route('two--dashes.example.com', [['x-detour', 'pr-12']])).toBe('two--dashes.example.com:pr-12');
  });

  it('takes a live key that has no route here to the baseline', async () => {
    expect(await route('a--shop.example.com')).toBe('shop.example.com:baseline');
  });

  it('looks at rules for the hosts of previews too', async () => {
    const alice: HeaderList = [['baggage', 'user=alice']];
    expect(await route('shop.example.com', alice)).toBe('shop.example.com:user=alice');
    expect(await route('a--shop.example.com', alice)).toBe('shop.example.com:user=alice');
    expect(await route('a--shop.example.com', [['x-detour-baggage-user', 'alice']])).toBe('shop.example.com:baseline');
  });

  it('tells the hops behind the key of the host', async () => {
    const reply = await lab.ask({
      host: 'pr-1--shop.example.com',
      headers: [
        ['x-detour', 'pr-9'],
        ['baggage', 'a=1;p=2, Detour = pr-8;q , b=2'],
        ['baggage', 'detour=pr-7,my-detour=z'],
        ['tracestate', 'v=1,detour=pr-6,w=2'],
      ],
    });
    expect(values(reply, 'host')).toEqual(['pr-1--shop.example.com']);
    expect(values(reply, 'x-detour')).toEqual(['pr-1']);
    expect(values(reply, 'baggage')).toEqual(['detour=pr-1,a=1;p=2, b=2,my-detour=z']);
    expect(values(reply, 'tracestate')).toEqual(['detour=pr-1,v=1,w=2']);
  });

  it('tells them so by an alias too, where the request has one: it must not name another key', async () => {
    const headers: HeaderList = [
      ['x-alias', 'pr-9'],
      ['x-alias', 'pr-8'],
    ];
    const reply = await lab.ask({ host: 'pr-1--shop.example.com', headers });
    expect([values(reply, 'x-detour'), values(reply, 'x-alias')]).toEqual([['pr-1'], ['pr-1']]);
    expect(values(await lab.ask({ host: 'pr-1--shop.example.com' }), 'x-alias')).toEqual([]);
  });

  it('begins baggage where there is none, and no tracestate', async () => {
    const reply = await lab.ask({ host: 'pr-1--shop.example.com' });
    expect([values(reply, 'baggage'), values(reply, 'tracestate')]).toEqual([['detour=pr-1'], []]);
    const other = await lab.ask({ host: 'pr-1--shop.example.com', headers: [['tracestate', 'v=detour']] });
    expect(values(other, 'tracestate')).toEqual(['v=detour']);
  });

  const page = (reply: LabReply): unknown => [
    reply.status,
    reply.headers['content-type'],
    /href="([^"]*)"/.exec(reply.body)?.[1],
  ];
  const HTML = 'text/html; charset=utf-8';

  it('answers for an unknown key with a page that links to the host', async () => {
    const reply = await lab.ask({ host: 'pr-9--shop.example.com:8080', headers: [['x-detour', 'pr-1']] });
    expect(page(reply)).toEqual([404, HTML, '//shop.example.com:8080/']);
    expect(reply.body).toContain('<code>pr-9</code>');
    expect(page(await lab.ask({ host: 'PR-9--Shop.example.com' }))).toEqual([404, HTML, '//shop.example.com/']);
    // More text than a key can have, text with dashes at odd places, and no text.
    for (const key of [`pr-1${'x'.repeat(100)}`, 'pr-1-', 'pr-1--x', '-pr-1', 'pr_1']) {
      expect(page(await lab.ask({ host: `${key}--shop.example.com` })), key).toEqual([404, HTML, '//shop.example.com/']);
    }
  });

  it('answers HEAD without the page', async () => {
    const reply = await lab.ask({ method: 'HEAD', host: 'pr-9--shop.example.com' });
    expect([reply.status, reply.body]).toEqual([404, '']);
    expect(await route('shop.example.com')).toBe('shop.example.com:baseline');
  });

  it('answers POST with the page, and the connection goes on', async () => {
    const reply = await lab.ask({ method: 'POST', host: 'pr-9--shop.example.com', headers: [['content-length', '0']] });
    expect(page(reply)).toEqual([404, HTML, '//shop.example.com/']);
  });

  it('shows nothing of the host unescaped', async () => {
    // Envoy itself refuses hosts with `<`, `>` and `"`.
    const reply = await lab.ask({ host: "a&'b--shop.example.com" });
    expect(page(reply)).toEqual([404, HTML, '//shop.example.com/']);
    expect(reply.body).toContain('<code>a&amp;&#39;b</code>');
    expect((await lab.ask({ host: '<script>--shop.example.com' })).status).toBe(400);
  });

  it('leaves unserved hosts to Envoy, with a live key or not', async () => {
    for (const host of [
      'pr-9--nobody.example.com',
      'pr-1--nobody.example.com',
      'pr-1--nourls.example.com',
      'pr-9--nourls.example.com',
      'a--b',
    ]) {
      const reply = await lab.ask({ host });
      expect([reply.status, reply.body], host).toEqual([404, '']);
    }
  });

  it('sends addresses of the preview domain to the copy', async () => {
    const reply = await lab.ask({ host: 'pr-1--api.preview.example.com' });
    expect(reply.route).toBe('pr-1--api.preview.example.com:pr-1');
    expect([values(reply, 'x-detour'), values(reply, 'baggage')]).toEqual([['pr-1'], ['detour=pr-1']]);
    expect(await route('pr-1--api--other.PREVIEW.example.com:8080')).toBe('pr-1--api--other.preview.example.com:pr-1');
    const missing = await lab.ask({ host: 'pr-9--api.preview.example.com' });
    expect(page(missing)).toEqual([404, HTML, undefined]);
    expect(missing.body).toContain('<code>pr-9</code>');
    expect(await route('api.preview.example.com')).toBe('404');
  });

  it('believes no header that only Envoys may set', async () => {
    const reply = await lab.ask({
      host: 'shop.example.com',
      headers: [
        ['x-detour-shard', 'keys'],
        ['x-detour-shard', '7'],
        ['x-detour-decided', 'shop/api:80'],
      ],
    });
    expect(reply.route).toBe('shop.example.com:baseline');
    expect(values(reply, 'x-detour-decided')).toEqual([]);
    expect(values(reply, 'x-detour-shard')).toHaveLength(1);
    const preview = await lab.ask({ host: 'pr-1--shop.example.com', headers: [['x-detour-shard', '7']] });
    expect(preview.route).toBe('shop.example.com:pr-1');
  });

  it('goes on when more hosts were asked than it remembers', async () => {
    for (let start = 0; start < 4200; start += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, index) => lab.ask({ host: `h${start + index}.example.org` })));
    }
    expect(await route('shop.example.com')).toBe('shop.example.com:baseline');
    expect(await route('pr-1--shop.example.com')).toBe('shop.example.com:pr-1');
  });

  describe('preflights', () => {
    const ask = (headers: HeaderList, method = 'OPTIONS'): Promise<LabReply> =>
      lab.ask({ method, host: 'shop.example.com', headers });
    const preflight = (asked: string, origin = ORIGIN): HeaderList => [
      ['origin', origin],
      ['access-control-request-method', 'PUT'],
      ['access-control-request-headers', asked],
    ];

    it.each(['x-detour', 'content-type,X-Detour', 'content-type, baggage', 'tracestate'])(
      'that ask for %s are answered',
      async (asked) => {
        const reply = await ask(preflight(asked));
        expect([reply.status, reply.route, reply.body]).toEqual([204, undefined, '']);
        expect(reply.headers).toMatchObject({
          'access-control-allow-origin': ORIGIN,
          'access-control-allow-methods': 'PUT',
          'access-control-allow-headers': asked,
          'access-control-allow-credentials': 'true',
          vary: 'origin, access-control-request-method, access-control-request-headers',
        });
      },
    );

    it('that ask for other headers are the app’s', async () => {
      expect((await ask(preflight('content-type,x-detour-2'))).route).toBe('shop.example.com:baseline');
    });

    it('of other origins are the app’s', async () => {
      expect((await ask(preflight('x-detour', 'https://evil.example.com'))).route).toBe('shop.example.com:baseline');
    });

    it('are OPTIONS with all three headers', async () => {
      expect((await ask(preflight('x-detour'), 'GET')).route).toBe('shop.example.com:baseline');
      expect((await ask(preflight('x-detour').slice(0, 2))).route).toBe('shop.example.com:baseline');
      expect((await ask(preflight('x-detour').slice(1))).route).toBe('shop.example.com:baseline');
    });
  });
});

describe('a gateway with no keys and any origin', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({
      settings: { role: 'gateway', cors_origins: ['*'], header_aliases: ['X-Route'] },
      hosts: [
        {
          shardHost: 'shop.example.com',
          virtualHost: labHost({ name: 'shop', domains: ['shop.example.com', '*--shop.example.com'] }),
        },
      ],
    });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  it('says 404 for every preview host', async () => {
    const reply = await lab.ask({ host: 'pr-1--shop.example.com' });
    expect([reply.status, reply.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect((await lab.ask({ host: 'shop.example.com' })).route).toBe('shop:baseline');
  });

  it('answers preflights for carriers, without cookies', async () => {
    const headers: HeaderList = [
      ['origin', 'null'],
      ['access-control-request-method', 'GET'],
      ['access-control-request-headers', 'x-route'],
    ];
    const reply = await lab.ask({ method: 'OPTIONS', host: 'shop.example.com', headers });
    expect([reply.status, reply.headers['access-control-allow-origin']]).toEqual([204, 'null']);
    expect(reply.headers['access-control-allow-credentials']).toBeUndefined();
  });
});
