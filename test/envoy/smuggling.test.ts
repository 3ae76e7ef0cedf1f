/**
 * Carriers past the edge: requests as nobody's library would write them, byte for byte, at gateways that take carriers
 * away. What the app behind receives has none, everything else is as it was sent, and the baseline answers.
 */
import { rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type Server } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server, type Http2Server } from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { explain } from '../../src/explain/explain.ts';
import { signKey } from '../../src/keys/signed-key.ts';
import type { CarrierPolicy } from '../../src/model/carriers.ts';
import type { InterceptModel } from '../../src/model/intercept.ts';
import { keyOfIntercept } from '../../src/model/names.ts';
import { aHost, aModel, aPredicate, aServiceModel } from '../support/models.ts';
import { freePort } from '../support/ports.ts';
import { gatewayScope, startScope } from './translate-lab.ts';

const SECRET = 'secret-of-the-smuggling-test-0123456789';
const KEYS = join(tmpdir(), `detour-smuggling-${process.pid}`);
const TOKEN = signKey({ key: 'pr-1', expires: 9_999_999_999 }, Buffer.from(SECRET));

type Lines = readonly (readonly [name: string, value: string])[];

/** What an app was asked: its copy, header lines as they came (over HTTP/1.1), and trailers. */
interface Seen {
  readonly copy: string;
  readonly headers: Lines;
  readonly trailers: Lines;
}

interface Reply {
  readonly status: number;
  /** undefined: no app answered. */
  readonly seen: Seen | undefined;
  readonly text: string;
}

function pairs(raw: readonly string[]): Lines {
  return Array.from({ length: raw.length / 2 }, (_, index) => [raw[2 * index] ?? '', raw[2 * index + 1] ?? ''] as const);
}

async function listen(server: Server | Http2Server): Promise<{ readonly ip: string; readonly port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  // A TCP server that listens has an AddressInfo.
  return { ip: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

async function startEchoes(stack: AsyncDisposableStack): Promise<(copy: string, protocol: 'http1' | 'h2c') => Promise<Echo>> {
  return async (copy, protocol) => {
    if (protocol === 'h2c') {
      const server = createHttp2Server();
      server.on('stream', (stream, _, __, headers: unknown) => {
        let trailers: Lines = [];
        stream.on('trailers', (_block: unknown, __flags: unknown, raw: readonly string[]) => {
          trailers = pairs(raw);
        });
        stream.resume();
        stream.on('end', () => {
          const lines = pairs(headers as readonly string[]); // Node hands over a flat list of names and values.
          stream.respond({ ':status': 200, 'x-app': copy });
          stream.end(JSON.stringify({ copy, headers: lines, trailers }));
        });
      });
      stack.defer(() => void server.close());
      return listen(server);
    }
    const server = createHttpServer((request, response) => {
      request.resume().on('end', () => {
        response.setHeader('x-app', copy);
        response.end(JSON.stringify({ copy, headers: pairs(request.rawHeaders), trailers: pairs(request.rawTrailers) }));
      });
    });
    stack.defer(() => {
      server.closeAllConnections();
      server.close();
    });
    return listen(server);
  };
}

type Echo = { readonly ip: string; readonly port: number };

/** Over HTTP/1.1, exactly these lines behind the request line. */
async function send(port: number, lines: readonly string[], { target = '/', body = '' } = {}): Promise<Reply> {
  const socket = connect(port, '127.0.0.1');
  const chunks: Buffer[] = [];
  socket.write(Buffer.from(`GET ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`, 'latin1'));
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject).once('close', () => resolve());
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      // Envoy itself closes a second after its own replies.
      if (isWhole(Buffer.concat(chunks).toString('latin1'))) socket.destroy();
    });
  });
  const text = Buffer.concat(chunks).toString('latin1');
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0);
  const json = /x-app: /i.test(text) ? text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1) : undefined;
  return { status, text, seen: json === undefined ? undefined : (JSON.parse(json) as Seen) };
}

function isWhole(text: string): boolean {
  const [, head, body = ''] = /^(.*?\r\n\r\n)(.*)$/s.exec(text) ?? [];
  if (head === undefined) return false;
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  return length === undefined ? body.endsWith('0\r\n\r\n') : body.length >= Number(length);
}

const OWN = new Set(['host', 'x-forwarded-proto', 'x-forwarded-for', 'x-request-id', 'connection', 'x-envoy-external-address']);

/** What was sent and arrived: without what Envoy adds by itself. */
function arrived(reply: Reply): readonly string[] {
  const { seen } = reply;
  if (seen === undefined) throw new Error(`no app answered: ${reply.text}`);
  const lines = seen.headers.filter(([name]) => !OWN.has(name) && !name.startsWith('x-envoy-') && name !== 'x-detour-decided');
  return lines.map(([name, value]) => `${name}: ${value}`);
}

const HOST = 'Host: shop.example.com';

/** Header lines behind `Host`, and which of them arrive. */
const CASES: readonly [promise: string, sent: readonly string[], arrives: readonly string[]][] = [
  [
    'nothing of ours: all is as it was',
    ['A: 1', 'Baggage: a=1,, b = 2 ;p="q",c=%2C', 'Cookie: a=1; b'],
    ['a: 1', 'baggage: a=1,, b = 2 ;p="q",c=%2C', 'cookie: a=1; b'],
  ],
  ['the header', ['x-detour: pr-1'], []],
  ['in capitals', ['X-DETOUR: pr-1'], []],
  ['twice', ['x-detour: pr-1', 'a: 1', 'X-Detour: pr-1'], ['a: 1']],
  ['several in one', ['x-detour: , pr-1, pr-1'], []],
  ['with blanks and tabs around its value', ['x-detour:\t pr-1 \t'], []],
  ['without a blank', ['x-detour:pr-1'], []],
  ['empty, then not', ['x-detour:', 'x-detour: pr-1'], []],
  ['encoded', ['x-detour: %70r-1'], []],
  ['with an underscore, which CGI takes for the same', ['x_detour: pr-1', 'X_DETOUR: pr-1', 'a_b: 1'], ['a_b: 1']],
  ['an alias', ['sd-routing-key: pr-1', 'sd_routing-key: pr-1', 'SD_Routing_Key: pr-1'], []],
  [
    'what is like it is another',
    ['x-detours: pr-1', 'ax-detour: pr-1', 'xdetour: pr-1'],
    ['x-detours: pr-1', 'ax-detour: pr-1', 'xdetour: pr-1'],
  ],
  [
    'what only Envoys set',
    ['x-detour-decided: shop/api:80', 'x-detour-shard: 7', 'x_detour_decided: shop/api:80', 'x-detour-served-by: pr-1'],
    [],
  ],
  [
    'private headers of members',
    ['x-detour-baggage-user: alice', 'x-detour-baggage-team: a', 'X_Detour_Baggage_User: alice'],
    [],
  ],
  ['a member of baggage', ['baggage: a=1, detour=pr-1 ,b=2'], ['baggage: a=1,b=2']],
  ['the only one', ['baggage: detour=pr-1'], []],
  ['the first one', ['baggage: detour=pr-1, b = 2 ;p'], ['baggage: b = 2 ;p']],
  ['the last one', ['baggage: b = 2 ;p,detour=pr-1'], ['baggage: b = 2 ;p']],
  ['twice in one line', ['baggage: detour=pr-1,a=1,detour=pr-2,b=2'], ['baggage: a=1,b=2']],
  ['over several lines', ['baggage: a=1', 'baggage: detour=pr-1', 'Baggage: b=2,detour=pr-1'], ['baggage: a=1', 'baggage: b=2']],
  ['in capitals and with blanks', ['baggage: a=1,\t DETOUR \t=\t pr-1 ,b=2'], ['baggage: a=1,b=2']],
  ['with properties', ['baggage: detour=pr-1;p=1;q, a=1;detour=pr-1'], ['baggage: a=1;detour=pr-1']],
  ['without a value, or nothing else', ['baggage: detour, detour=, detour;p=1,=pr-1,a=1'], ['baggage: =pr-1,a=1']],
  ['empty members beside it', ['baggage: ,,detour=pr-1,,a=1,'], ['baggage: ,,,a=1,']],
  ['its name encoded', ['baggage: %64etour=pr-1,%44%45%54OUR=pr-1,a=1'], ['baggage: a=1']],
  ['its name encoded several times', ['baggage: %2564etour=pr-1,%25252564etour=pr-1,a=1'], ['baggage: a=1']],
  ['its name encoded for ever', ['baggage: %252525252525252564etour=pr-1,a=1'], ['baggage: a=1']],
  ['its value encoded', ['baggage: detour=%70r%2D1,a=%70r'], ['baggage: a=%70r']],
  [
    'with encoded blanks, a plus, and bytes that some trim',
    ['baggage: %20detour=pr-1,+detour=pr-1,\u00a0detour=pr-1,detour%0A=pr-1,detour\u00a0=pr-1,a=1'],
    ['baggage: a=1'],
  ],
  ['in quotes', ['baggage: "detour"=pr-1,detour="pr-1",a="1"'], ['baggage: a="1"']],
  ['its separators encoded', ['baggage: detour%3Dpr-1,detour%3Bp=1,a%2Cdetour=pr-1,b=2'], ['baggage: b=2']],
  [
    'an encoded comma in the value of another, which is that one’s',
    ['baggage: a=1%2Cdetour=pr-1'],
    ['baggage: a=1%2Cdetour=pr-1'],
  ],
  [
    'what is like it is another',
    ['baggage: detours=1,my-detour=2,my.detour=3,a=detour,detour-key=4'],
    ['baggage: detours=1,my-detour=2,my.detour=3,a=detour,detour-key=4'],
  ],
  ['an alias of the member', ['baggage: sd-routing-key=pr-1,a=1'], ['baggage: a=1']],
  ['a member of tracestate', ['tracestate: v=00f,detour=pr-1,w=1'], ['tracestate: v=00f,w=1']],
  [
    'over several lines and encoded',
    ['tracestate: v=1', 'TraceState: %64etour=pr-1, DETOUR = pr-1', 'tracestate: w=2'],
    ['tracestate: v=1', 'tracestate: w=2'],
  ],
  ['the gateway’s own cookie', ['cookie: a=1; __Host-detour=pr-1;b=2', 'cookie: __host-Detour=x'], ['cookie: a=1;b=2']],
  [
    'everywhere at once',
    [
      'x-detour: pr-1',
      'x_detour: pr-1',
      'sd-routing-key: pr-1',
      'baggage: detour=pr-1',
      'tracestate: detour=pr-1',
      'cookie: __Host-detour=pr-1',
    ],
    [],
  ],
];

/** Hidden behind what is only about the connection. */
const CONNECTION: readonly [promise: string, sent: readonly string[]][] = [
  ['Connection names the carrier', ['Connection: x-detour', 'x-detour: pr-1']],
  ['Connection names what the listener sets', ['Connection: x-detour-shard, x-detour', 'x-detour: pr-1']],
  ['Connection names baggage', ['Connection: baggage', 'baggage: detour=pr-1']],
];

const MODES: readonly [mode: string, policy: CarrierPolicy][] = [
  ['strip', { kind: 'strip' }],
  ['signed', { kind: 'signed', keysFile: KEYS }],
];

describe.each(MODES)('a gateway with --carriers %s', (mode, carriers) => {
  const stack = new AsyncDisposableStack();
  const settings = {
    carriers: { header: 'x-detour', member: 'detour', headerAliases: ['SD-Routing-Key'], memberAliases: ['sd-routing-key'] },
  };
  let port: number;
  let model: InterceptModel;

  /** Who answers a GET, as `explain` has it: a copy, or a status of Envoy's own. */
  function explained(lines: readonly string[], path = '/'): string | number {
    const headers = lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const);
    const scope = gatewayScope(port, { carriers, previewDomain: 'preview.example.com' });
    const explanation = explain(model, scope, { method: 'GET', path, headers }, settings);
    if ('error' in explanation) throw new Error(explanation.error);
    const { outcome } = explanation;
    if (outcome.kind === 'preview') return keyOfIntercept(outcome.intercept);
    return outcome.kind === 'baseline' ? 'baseline' : outcome.kind === 'unsigned' ? 403 : outcome.kind === 'cookie' ? 303 : 404;
  }

  beforeAll(async () => {
    await writeFile(KEYS, SECRET);
    stack.defer(() => rm(KEYS, { force: true }));
    const echo = await startEchoes(stack);
    const app = async (copy: string, protocol: 'http1' | 'h2c' = 'http1'): Promise<Echo> => echo(copy, protocol);
    const api = aServiceModel({
      ports: [
        {
          baseline: [await app('baseline')],
          intercepts: [
            { key: 'pr-1', endpoints: [await app('pr-1')] },
            { key: 'pr-2', endpoints: [await app('pr-2')], rule: [[aPredicate('x-user', 'exact', 'alice')]] },
            { key: 'pr-3', endpoints: [await app('pr-3')], rule: [[aPredicate('baggage[user]', 'exact', 'bob')]] },
          ],
        },
      ],
    });
    const grpc = aServiceModel({
      name: 'grpc',
      ports: [
        {
          protocol: 'http2',
          baseline: [await app('baseline', 'h2c')],
          intercepts: [{ key: 'pr-1', endpoints: [await app('pr-1', 'h2c')] }],
        },
      ],
    });
    model = aModel({
      services: [api, grpc],
      hosts: [aHost(), aHost({ host: 'grpc.example.com', paths: { '/': 'shop/grpc' } })],
    });
    port = await freePort();
    stack.use(await startScope(gatewayScope(port, { carriers, previewDomain: 'preview.example.com' }), model, settings));
  });
  afterAll(() => stack.disposeAsync());

  test.each(CASES)('%s', async (_, sent, arrives) => {
    const reply = await send(port, [HOST, ...sent]);
    expect([reply.seen?.copy, arrived(reply)]).toEqual(['baseline', arrives]);
    expect(explained([HOST, ...sent])).toBe('baseline');
    expect(reply.text).not.toContain('served-by');
  });

  test.each(CONNECTION)('%s', async (_, sent) => {
    const reply = await send(port, [HOST, ...sent]);
    // Whether Envoy serves such a request is Envoy's to say.
    if (reply.seen !== undefined) expect([reply.seen.copy, arrived(reply)]).toEqual(['baseline', []]);
    else expect(reply.status).toBeGreaterThanOrEqual(400);
  });

  test.each<[string, readonly string[]]>([
    ['folded lines', ['a: 1', ' x-detour: pr-1']],
    ['a folded carrier', ['x-detour:', ' pr-1']],
    ['a folded member', ['baggage: a=1,', '\tdetour=pr-1']],
    ['a blank before the colon', ['x-detour : pr-1']],
    ['a blank before the name', [' x-detour: pr-1']],
    ['a byte of zero', ['x-detour\u0000: pr-1']],
    ['a line feed alone', ['a: 1\nx-detour: pr-1']],
    ['a carriage return alone', ['a: 1\rx-detour: pr-1']],
    ['two lengths', ['content-length: 0', 'content-length: 20']],
    ['a length and chunks', ['content-length: 4', 'transfer-encoding: chunked']],
  ])('%s: refused, or no carrier', async (_, sent) => {
    const reply = await send(port, [HOST, ...sent]);
    if (reply.seen === undefined) return expect(reply.status).toBe(400);
    expect(reply.seen.copy).toBe('baseline');
    // Of one header's value it may be a part.
    for (const line of arrived(reply)) expect(line).not.toMatch(/^x.detour|detour=/);
  });

  test('rules are about headers of apps, and go on to match', async () => {
    expect((await send(port, [HOST, 'x-user: alice', 'x-detour: pr-1'])).seen?.copy).toBe('pr-2');
    const reply = await send(port, [HOST, 'baggage: user=bob,detour=pr-1']);
    expect([reply.seen?.copy, arrived(reply)]).toEqual(['pr-3', ['baggage: user=bob']]);
    expect((await send(port, [HOST, 'x-detour-baggage-user: bob'])).seen?.copy).toBe('baseline');
    expect((await send(port, [HOST, 'x_detour_baggage_user: bob'])).seen?.copy).toBe('baseline');
  });

  test.each([
    'pr-1--shop.example.com',
    'PR-1--Shop.Example.COM',
    'pr-1--shop.example.com:80',
    'pr-1--shop.example.com.',
    'pr-1--shop.example.com.:8080',
    'pr-9--shop.example.com',
    'pr-1--api.preview.example.com',
    'pr-9--api.preview.example.com',
  ])('the URL %s opens no preview', async (host) => {
    const status = mode === 'strip' ? 404 : 403;
    for (const headers of [[], ['x-detour: pr-1'], ['baggage: detour=pr-1'], ['cookie: __Host-detour=pr-1']]) {
      const reply = await send(port, [`Host: ${host}`, ...headers]);
      expect([reply.status, reply.seen]).toEqual([status, undefined]);
      expect(explained([`Host: ${host}`, ...headers])).toBe(status);
    }
    // The target of a request to a proxy is its host, whatever else it says.
    const absolute = await send(port, [HOST], { target: `http://${host}/` });
    expect([absolute.status, absolute.seen]).toEqual([status, undefined]);
  });

  test('of two hosts none opens a preview', async () => {
    for (const lines of [
      [HOST, 'Host: pr-1--shop.example.com'],
      ['Host: pr-1--shop.example.com', HOST],
      [HOST, 'X-Forwarded-Host: pr-1--shop.example.com'],
      [HOST, ':authority: pr-1--shop.example.com'],
    ]) {
      const reply = await send(port, lines);
      expect([lines, reply.seen?.copy ?? 'nobody']).toEqual([lines, expect.stringMatching(/^(baseline|nobody)$/)]);
    }
  });

  test('trailers carry nothing, over HTTP/1.1', async () => {
    const reply = await send(port, [HOST, 'transfer-encoding: chunked', 'trailer: x-detour'], {
      body: '1\r\na\r\n0\r\nx-detour: pr-1\r\nbaggage: detour=pr-1\r\n\r\n',
    });
    expect([reply.seen?.copy, reply.seen?.trailers]).toEqual(['baseline', []]);
  });

  describe('over HTTP/2', () => {
    const ask = (headers: Record<string, string | readonly string[]>, trailers?: Record<string, string>): Promise<Reply> =>
      new Promise((resolve, reject) => {
        const session = connectHttp2(`http://127.0.0.1:${port}`);
        session.once('error', reject);
        const all = { ':authority': 'grpc.example.com', ':path': '/', ':method': 'POST', ...headers };
        const stream = session.request(all as Record<string, string>, { waitForTrailers: trailers !== undefined });
        let [status, isApp, text] = [0, false, ''];
        stream.on('wantTrailers', () => stream.sendTrailers(trailers ?? {}));
        stream.on('response', (response) => {
          status = Number(response[':status']);
          isApp = response['x-app'] !== undefined;
        });
        stream.on('data', (chunk: Buffer) => {
          text += chunk.toString('latin1');
        });
        stream.once('error', reject);
        stream.once('close', () => {
          session.close();
          resolve({ status, text, seen: isApp ? (JSON.parse(text) as Seen) : undefined });
        });
        stream.end('body');
      });
    const lines = (reply: Reply, ...names: readonly string[]): readonly string[] =>
      (reply.seen?.headers ?? []).filter(([name]) => names.includes(name)).map(([name, value]) => `${name}: ${value}`);
    const ALL = ['x-detour', 'x_detour', 'sd-routing-key', 'baggage', 'tracestate', 'cookie', 'x-detour-baggage-a', 'host'];

    test('carriers are taken away, and what is beside them is as it was', async () => {
      const reply = await ask({
        ...{ 'x-detour': ['pr-1', 'pr-1'], x_detour: 'pr-1', 'sd-routing-key': 'pr-1', 'x-detour-baggage-a': '1' },
        ...{ baggage: ['a=1, b = 2', 'detour=pr-1'], tracestate: '%64etour=pr-1,v=1' },
      });
      expect([reply.seen?.copy, lines(reply, ...ALL)]).toEqual(['baseline', ['baggage: a=1, b = 2', 'tracestate: v=1']]);
    });

    test('cookies in crumbs', async () => {
      const reply = await ask({ cookie: ['a=1', '__Host-detour=pr-1', 'b=2'] });
      expect(lines(reply, 'cookie').join('; ').replaceAll('cookie: ', '')).toBe('a=1; b=2');
    });

    test('the authority is the host, whatever a host header says', async () => {
      const reply = await ask({ host: 'pr-1--grpc.example.com' });
      expect(reply.seen?.copy ?? 'nobody').toMatch(/^(baseline|nobody)$/);
      const status = mode === 'strip' ? 404 : 403;
      expect((await ask({ ':authority': 'pr-1--grpc.example.com', host: 'grpc.example.com' })).status).toBe(status);
    });

    test('trailers that are carriers do not arrive, others do', async () => {
      const trailers = { 'x-detour': 'pr-1', baggage: 'detour=pr-1,a=1', x_detour: 'pr-1', checksum: 'abc' };
      const reply = await ask({}, trailers);
      expect([reply.seen?.copy, reply.seen?.trailers]).toEqual([
        'baseline',
        [
          ['checksum', 'abc'],
          ['baggage', 'a=1'],
        ],
      ]);
    });
  });

  if (mode === 'signed') {
    test('a signed key gets through all of this as what it is', async () => {
      const reply = await send(port, [
        HOST,
        'x_detour: pr-2',
        `X-Detour: ${TOKEN}`,
        'baggage: a=1,%64etour=pr-2',
        'x-detour-decided: x',
      ]);
      expect([reply.seen?.copy, arrived(reply)]).toEqual(['pr-1', ['baggage: a=1', 'x-detour: pr-1']]);
    });

    test.each<[string, readonly string[]]>([
      ['cut in two lines', [`x-detour: ${TOKEN.slice(0, 30)}`, `x-detour: ${TOKEN.slice(30)}`]],
      ['behind a plain key', [`x-detour: pr-1, ${TOKEN}`]],
      ['with a plain key in front of its dot', [`x-detour: pr-1.${TOKEN}`]],
      ['in a name that only looks right', [`x_detour: ${TOKEN}`, `baggage: %64etour=${TOKEN}`]],
      ['named by Connection', ['Connection: x-detour', `baggage: x=${TOKEN}`]],
    ])('%s it does not count', async (_, sent) => {
      const reply = await send(port, [HOST, ...sent]);
      expect(reply.seen?.copy).toBe('baseline');
    });

    const URL_HOST = 'Host: PR-1--shop.example.com:80';
    test.each<[readonly string[], string | number, string?]>([
      [[HOST, `x-detour: ${TOKEN}`], 'pr-1'],
      [[HOST, `baggage: a=1, Detour = ${TOKEN} ;p`], 'pr-1'],
      [[HOST, `cookie: __Host-detour=${TOKEN}`], 'baseline'],
      [[URL_HOST, `x-detour: ${TOKEN}`], 'pr-1'],
      [[URL_HOST, `cookie: a=1; __Host-detour=${TOKEN}`], 'pr-1'],
      [[URL_HOST], 303, `/?detour=${TOKEN}`],
      [['Host: pr-2--shop.example.com', `x-detour: ${TOKEN}`], 403],
      [['Host: pr-2--shop.example.com'], 403, `/?detour=${TOKEN}`],
      [['Host: pr-1--api.preview.example.com', `sd-routing-key: ${TOKEN}`], 'pr-1'],
      [['Host: pr-1--nobody.example.com', `x-detour: ${TOKEN}`], 404],
    ])('with it %j is answered by %s, and explained so', async (lines, who, path = '/') => {
      const reply = await send(port, lines, { target: path });
      expect([reply.seen?.copy ?? reply.status, explained(lines, path)]).toEqual([who, who]);
    });
  }
});
