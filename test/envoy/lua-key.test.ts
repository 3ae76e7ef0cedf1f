/** Where the key comes from, on a real Envoy: the filter of a sidecar, where hosts play no part. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HeaderList, type Lab, labHost, startLab, values } from './lua-lab.ts';

interface Case {
  readonly promise: string;
  readonly headers: HeaderList;
  /** What `x-detour` says behind the filter; [] for no such header. */
  readonly key: readonly string[];
  readonly route: 'pr-1' | 'pr-12' | 'baseline';
}

const CASES: readonly Case[] = [
  { promise: 'no carrier: no key', headers: [], key: [], route: 'baseline' },
  { promise: 'the header names the key', headers: [['x-detour', 'pr-1']], key: ['pr-1'], route: 'pr-1' },
  { promise: 'pr-12 is not pr-1', headers: [['x-detour', 'pr-12']], key: ['pr-12'], route: 'pr-12' },
  { promise: 'an unknown key is the baseline', headers: [['x-detour', 'pr-99']], key: ['pr-99'], route: 'baseline' },
  { promise: 'a key in upper case is another key', headers: [['x-detour', 'PR-1']], key: ['PR-1'], route: 'baseline' },
  { promise: 'the first of several elements counts', headers: [['x-detour', 'pr-1, pr-12']], key: ['pr-1'], route: 'pr-1' },
  { promise: 'empty elements are passed over', headers: [['x-detour', ' , ,pr-12 ']], key: ['pr-12'], route: 'pr-12' },
  {
    promise: 'several lines are one list, and become one line',
    headers: [
      ['x-detour', 'pr-12'],
      ['x-detour', 'pr-1'],
      ['x-detour', 'pr-3'],
    ],
    key: ['pr-12'],
    route: 'pr-12',
  },
  {
    promise: 'an empty line before the one that counts',
    headers: [
      ['x-detour', ''],
      ['x-detour', 'pr-1'],
    ],
    key: ['pr-1'],
    route: 'pr-1',
  },
  { promise: 'a percent-encoded key is decoded', headers: [['x-detour', 'pr%2D1']], key: ['pr-1'], route: 'pr-1' },
  { promise: 'and with small digits', headers: [['x-detour', '%70r%2d1']], key: ['pr-1'], route: 'pr-1' },
  { promise: 'an invalid escape stays', headers: [['x-detour', 'pr%2']], key: ['pr%2'], route: 'baseline' },
  { promise: 'an escape that is none stays', headers: [['x-detour', 'pr%zz1']], key: ['pr%zz1'], route: 'baseline' },
  {
    promise: 'no line break gets out of an escape',
    headers: [['x-detour', 'a%0d%0ax-evil: 1']],
    key: ['a%0d%0ax-evil: 1'],
    route: 'baseline',
  },
  { promise: 'no comma gets out of an escape', headers: [['x-detour', 'pr-1%2Cb']], key: ['pr-1%2Cb'], route: 'baseline' },
  { promise: 'nothing is decoded twice', headers: [['x-detour', 'pr%252D1']], key: ['pr%252D1'], route: 'baseline' },
  { promise: 'text that is no key is harmless', headers: [['x-detour', '"\\(;~ %']], key: ['"\\(;~ %'], route: 'baseline' },
  {
    promise: 'the header beats its alias',
    headers: [
      ['sd-routing-key', 'pr-12'],
      ['x-detour', 'pr-1'],
    ],
    key: ['pr-1'],
    route: 'pr-1',
  },
  { promise: 'an alias of the header is read', headers: [['sd-routing-key', 'pr-12']], key: ['pr-12'], route: 'pr-12' },
  {
    promise: 'aliases are read in order',
    headers: [
      ['okteto-divert', 'pr-1'],
      ['sd-routing-key', 'pr-12'],
    ],
    key: ['pr-12'],
    route: 'pr-12',
  },
  {
    promise: 'a blank header does not hide its alias',
    headers: [
      ['x-detour', ' , '],
      ['okteto-divert', 'pr-1'],
    ],
    key: ['pr-1'],
    route: 'pr-1',
  },
  { promise: 'baggage names the key', headers: [['baggage', 'detour=pr-1']], key: ['pr-1'], route: 'pr-1' },
  {
    promise: 'the header beats baggage',
    headers: [
      ['baggage', 'detour=pr-1'],
      ['x-detour', 'pr-12'],
    ],
    key: ['pr-12'],
    route: 'pr-12',
  },
  { promise: 'a member in the middle', headers: [['baggage', 'a=1,detour=pr-1,b=2']], key: ['pr-1'], route: 'pr-1' },
  {
    promise: 'blanks around everything',
    headers: [['baggage', 'a=1 ,\t detour \t=  pr-1 \t ,b=2']],
    key: ['pr-1'],
    route: 'pr-1',
  },
  { promise: 'properties are not the value', headers: [['baggage', 'detour=pr-1;ttl=3;x']], key: ['pr-1'], route: 'pr-1' },
  { promise: 'nor with blanks before them', headers: [['baggage', 'detour=pr-1 ; ttl=3']], key: ['pr-1'], route: 'pr-1' },
  { promise: 'a property of that name is no member', headers: [['baggage', 'a=1;detour=pr-1']], key: [], route: 'baseline' },
  {
    promise: 'a longer name is another member',
    headers: [['baggage', 'xdetour=pr-1,detour2=pr-1,my-detour=pr-1']],
    key: [],
    route: 'baseline',
  },
  { promise: 'a value that looks like a member', headers: [['baggage', 'a=detour=pr-1']], key: [], route: 'baseline' },
  { promise: 'two words are no name', headers: [['baggage', 'my detour=pr-1']], key: [], route: 'baseline' },
  {
    promise: 'a member without a value is passed over',
    headers: [['baggage', 'detour=,detour,detour= ;p,detour=pr-1']],
    key: ['pr-1'],
    route: 'pr-1',
  },
  {
    promise: 'the first of two members counts',
    headers: [['baggage', 'detour=pr-12,detour=pr-1']],
    key: ['pr-12'],
    route: 'pr-12',
  },
  { promise: 'names compare in lower case', headers: [['baggage', 'Detour=pr-1']], key: ['pr-1'], route: 'pr-1' },
  {
    promise: 'baggage over several lines',
    headers: [
      ['baggage', 'a=1'],
      ['baggage', 'detour=pr-1'],
      ['baggage', 'detour=pr-12'],
    ],
    key: ['pr-1'],
    route: 'pr-1',
  },
  { promise: 'a value is decoded', headers: [['baggage', 'detour=%70r%2D1']], key: ['pr-1'], route: 'pr-1' },
  { promise: 'an alias of the member is read', headers: [['baggage', 'okteto-divert=pr-1']], key: ['pr-1'], route: 'pr-1' },
  {
    promise: 'the member beats its alias, wherever it stands',
    headers: [['baggage', 'okteto-divert=pr-1,detour=pr-12']],
    key: ['pr-12'],
    route: 'pr-12',
  },
  { promise: 'tracestate names the key', headers: [['tracestate', 'vendor=a:1;b:2, detour=pr-1']], key: ['pr-1'], route: 'pr-1' },
  {
    promise: 'baggage beats tracestate, by an alias too',
    headers: [
      ['tracestate', 'detour=pr-1'],
      ['baggage', 'okteto-divert=pr-12'],
    ],
    key: ['pr-12'],
    route: 'pr-12',
  },
  {
    promise: 'a vendor of a tenant is another member',
    headers: [['tracestate', 'detour@x=pr-1,x@detour=pr-1']],
    key: [],
    route: 'baseline',
  },
];

describe('the key of a request', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await startLab({
      settings: { role: 'inbound', header_aliases: ['sd-routing-key', 'okteto-divert'], member_aliases: ['Okteto-Divert'] },
      hosts: [{ shardHost: '', virtualHost: labHost({ name: 'api', domains: ['*'], keys: ['pr-1', 'pr-12'] }) }],
    });
  });
  afterAll(async () => {
    await lab[Symbol.asyncDispose]();
  });

  it.each(CASES)('$promise', async ({ headers, key, route }) => {
    const reply = await lab.ask({ headers });
    expect({ key: values(reply, 'x-detour'), route: reply.route }).toEqual({ key, route: `api:${route}` });
  });

  it('leaves every other header as it came', async () => {
    const headers: HeaderList = [
      ['baggage', 'a=1;p , detour=pr-1'],
      ['baggage', 'b=2'],
      ['tracestate', 'x=1'],
    ];
    const reply = await lab.ask({ headers });
    expect(reply.seen.filter(([name]) => name === 'baggage' || name === 'tracestate')).toEqual(headers);
  });

  it('reads the headers that Envoy lets through, at their largest, in milliseconds', async () => {
    const large = (text: string): string => text.repeat(Math.floor(50_000 / text.length));
    const shapes = ['detour=,', 'detour ', ' ', ',', 'a=1,', 'detour=;', 'detour\t=\t,', 'd', '%41', '=', 'detour'];
    for (const shape of shapes) {
      for (const name of ['baggage', 'x-detour']) {
        // On a busy machine one of a few is quick all the same; what takes a step for each pair of letters never is.
        let quickest = Number.POSITIVE_INFINITY;
        for (let attempt = 0; attempt < 5 && quickest > 250; attempt += 1) {
          const started = performance.now();
          const reply = await lab.ask({ headers: [[name, `x${large(shape)}x`]] });
          expect(reply.route, `${name} of ${JSON.stringify(shape)}`).toBe('api:baseline');
          quickest = Math.min(quickest, performance.now() - started);
        }
        expect(quickest, `${name} of ${JSON.stringify(shape)}`).toBeLessThan(1000);
      }
    }
    const last = await lab.ask({ headers: [['baggage', `${large('detour=,a=1;detour=x,')}detour=pr-1`]] });
    expect(last.route).toBe('api:pr-1');
  });
});
