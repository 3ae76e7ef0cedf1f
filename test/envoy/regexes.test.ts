/** What the control plane accepts as a regular expression, Envoy accepts too, and matches the same values with. */
import { Agent, request } from 'node:http';
import { describe, expect, it } from 'vitest';
import { checkRegex, RE2_MAX_PROGRAM_SIZE, Regexes } from '../../src/model/re2.ts';
import { programSizeBound } from '../../src/model/re2-program-size.ts';
import { startEnvoy, validateConfig } from '../support/envoy.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';

/** A route for each pattern, on its own path, that wants `x-value` to match. */
function config(patterns: readonly string[], maxProgramSize: number, port = 0): object {
  const routes = patterns.map((regex, index) => ({
    match: { path: `/${index}`, headers: [{ name: 'x-value', string_match: { safe_regex: { regex } } }] },
    direct_response: { status: 200 },
  }));
  const manager = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'regexes',
    http_filters: [
      { name: 'router', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } },
    ],
    route_config: { name: 'regexes', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
  };
  return {
    layered_runtime: { layers: [{ name: 'detour', static_layer: { 're2.max_program_size.error_level': maxProgramSize } }] },
    static_resources: {
      listeners: [
        {
          name: 'http',
          address: { socket_address: { address: '127.0.0.1', port_value: port } },
          filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
        },
      ],
    },
  };
}

/** Each close to the limit, or of a construct that could be told wrongly. */
const NASTY = [
  'a{970}',
  '.{300}',
  '(?s).{300}',
  '[a-z0-9-]{1,63}',
  '[^a-z0-9_.-]{70}',
  '(?i)[^k]{100}',
  '(?i)user{90}',
  '(?i)(?:abcdefghij){40}',
  '\\w{120}',
  '\\W{120}',
  '\\S{120}',
  '\\D{120}',
  '[[:^punct:]]{100}',
  '[^\\x00-\\x7f]{100}',
  '[\\x80-\\xff]{70}',
  '(?:a?){120}',
  '(?:a*)*(?:b*)+(?:c?)*',
  '(?:(?:a{9}){9}){6}',
  '(?:a|b|c|d|e|f|g|h){30}',
  '(((((((((a)))))))))',
  `${'(a|'.repeat(80)}b${')'.repeat(80)}`,
  `${'(?:'.repeat(150)}a${')'.repeat(150)}`,
  Array.from({ length: 100 }, (_, i) => `u${i}`).join('|'),
  Array.from({ length: 60 }, (_, i) => `${String.fromCharCode(97 + (i % 26))}[a-c]*${i}`).join('|'),
  '(a{2,5}){3,30}',
  'a{0}b{0,100}c{3,}',
  'a(?i){100}',
  '\\Qa.b{2}\\E{100}',
  '^{100}$',
  '\\b{100}a',
  '(?:^|a$|\\b){60}',
  '(?m:^a$)',
  '(?U)a+?b*',
  '[]a-]+[^]]',
  '[\\w.\\-\\]]+',
  '\\x{41}\\101\\x41\\a\\f\\n\\r\\t\\v',
  '(?P<name>a)(?P<other>b)',
  '(?i-s:a)(?-i)b',
  '{}{,2}a{,2}a{',
  'a{002}'.repeat(60),
  '\\\\x{100}',
  '\\Q\\x{100}\\E',
  '|',
  '()|(a)',
  '.*.*.*.*.*.*.*.*=.*',
  '(?:.*,)?\\s*user\\s*=\\s*[a-z0-9]{50}\\s*(?:[;,].*)?',
];

const REFUSED = [
  '(?=a)',
  '(?!a)',
  '(?<=a)b',
  '(a)\\1',
  '(?>a)',
  'a**',
  'a{1001}',
  '((a{100}){100}){100}',
  '\\x{100}',
  '[a',
  '\\400',
];

/** mulberry32: the same patterns in every run. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

// biome-ignore format: a table
const PIECES = [
  'a', 'b', 'Z', 'k', 's', '.', '\\d', '\\w', '\\s', '\\W', '\\D', '\\S', '[a-z]', '[^a-z0-9_.]', '[[:alpha:]]', '[^[:punct:]x]', '[]a-]',
  '[\\w.-]', '[^\\x00-\\x7f]', '[\\xff]', '[a-\\d]', '[]', '[z-a]', '\\x41', '\\x{c3}', '\\101', '\\Qa.b+\\E', '\\E', '^', '$', '\\b', '\\B',
  '\\A', '\\z', '\\Z', '\\C', '(', '(', '(?:', '(?i)', '(?i:', '(?s)', '(?-i)', '(?m:', '(?U)', '(?P<n>', '(?<m>', ')', ')', ')', '|', '|',
  '*', '+', '?', '*?', '+?', '??', '{2}', '{3,}', '{1,5}', '{0}', '{0,1}', '{20}', '{2,3}?', '{00002}', '{,2}', '{', '}', 'abc', 'user=', '@example\\.com',
  '\\-', '\\/', '\\n', '\\a', '\\0', '\\1', '\\8', '\\k<n>', '(?=', '(?<=', '(?!', '(?>', '++', '\\cA', '\\u0041', '\\h', '\\R', '\\X', '\\G',
  '[[=a=]]', '[a&&b]', '[\\b]', '[\\Qab\\E]', '(?x)', '(?n)', '(?#c)', '\\e', '\\v', '[[:foo:]]', '\\ ', '&', '~', '[^]',
] as const;

/** Patterns put together at random, of which {@link checkRegex} takes every one. */
function acceptedAtRandom(count: number): readonly string[] {
  const below = random(20_261_122);
  const accepted = new Set<string>();
  while (accepted.size < count) {
    const pieces = Array.from({ length: 1 + below(9) }, () => PIECES[below(PIECES.length)] ?? '');
    const pattern = `${pieces.join('')}${below(3) === 0 ? ')' : ''}${['', '*', '{8}', '{1,9}'][below(4)] ?? ''}`;
    if (checkRegex(pattern).ok) accepted.add(pattern);
  }
  return [...accepted];
}

describe('regular expressions on Envoy', () => {
  it('that are accepted here are accepted there, nasty ones too', async () => {
    for (const pattern of NASTY) expect(checkRegex(pattern), pattern).toEqual({ ok: true });
    expect(await validateConfig(config([...NASTY, ...acceptedAtRandom(2000)], RE2_MAX_PROGRAM_SIZE))).toBeUndefined();
  });

  it('never have a larger program than the bound says', async () => {
    const patterns = [...NASTY, ...acceptedAtRandom(2000)];
    for (const limit of [15, 30, 60, 120, 250, 500]) {
      const within = patterns.filter((pattern) => programSizeBound(pattern) <= limit);
      expect(within.length).toBeGreaterThan(10);
      expect(await validateConfig(config(within, limit)), `limit ${limit}`).toBeUndefined();
    }
  });

  it('that Envoy refuses are refused here', async () => {
    for (const pattern of REFUSED) expect(checkRegex(pattern), pattern).toMatchObject({ ok: false });
    const [first = ''] = REFUSED;
    expect(await validateConfig(config([first], RE2_MAX_PROGRAM_SIZE))).toContain('invalid perl operator');
    expect(await validateConfig(config(['a{998}'], RE2_MAX_PROGRAM_SIZE))).toContain('max program size');
  });

  it('match the same values, byte by byte', { timeout: 60_000 }, async () => {
    const patterns = [
      ...[
        '.',
        '..',
        '.*',
        'al.*',
        'al',
        'lice',
        '^alice$',
        '(?i)ALICE',
        '(?i)k',
        '[^a]+',
        '\\w+',
        '\\W+',
        '\\S+ \\S+',
        '\\xC3\\xA9',
        '\\x{e9}',
      ],
      ...[
        '[[:alpha:]]+',
        '(?:a|alice)',
        '(a+)+b',
        '\\Qa.b\\E',
        'a.b',
        '(?i)\\xC9',
        '\\d{3,5}',
        '(?:a?){20}a{20}',
        'alice\\b',
        '\\Balice',
      ],
    ];
    const values = [
      'a',
      'alice',
      'ALICE',
      'é',
      'É',
      'k',
      '\u212a',
      'a.b',
      'axb',
      '漢字',
      'two words',
      '12345',
      '123456',
      'a'.repeat(20),
      'aaab',
    ];
    const port = await freePort();
    await using envoy = await startEnvoy({ config: config(patterns, RE2_MAX_PROGRAM_SIZE, port) });
    await until('the listener', async () => (await envoy.stat('listener_manager.workers_started')) === 1);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const regexes = new Regexes();
    const ask = (path: string, value: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        // Node writes header values as Latin-1: so these are the UTF-8 bytes.
        const headers = { 'x-value': Buffer.from(value, 'utf8').toString('latin1') };
        request({ host: '127.0.0.1', port, path, agent, headers }, (response) =>
          response.resume().on('end', () => resolve(response.statusCode)),
        )
          .on('error', reject)
          .end();
      });
    try {
      for (const [index, pattern] of patterns.entries()) {
        for (const value of values) {
          const expected = regexes.matchWhole(pattern, value) ? 200 : 404;
          expect(await ask(`/${index}`, value), `${pattern} and ${value}`).toBe(expected);
        }
      }
    } finally {
      agent.destroy();
    }
  });
});
