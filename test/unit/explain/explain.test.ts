import { describe, expect, it } from 'vitest';
import { explain } from '../../../src/explain/explain.ts';
import { DEFAULT_CARRIERS } from '../../../src/model/carriers.ts';
import type { Pod } from '../../../src/model/cluster-state.ts';
import type { Scope } from '../../../src/model/proxy.ts';
import { anEndpoint, aPod, aPort, aService, aSlice } from '../../support/builders.ts';
import { type Ask, ask, GATEWAY, modelOf, summary } from './shop.ts';

const preview = (key: string, annotations: Record<string, string> = {}, over: Partial<Pod> = {}): Pod =>
  aPod({ previewLabel: key, annotations: { intercept: 'api', ...annotations }, ips: [`10.0.1.${over.createdAt ?? 1}`], ...over });

const MODEL = modelOf([
  aService({
    annotations: {
      host: 'shop.example.com, shop.example.com/deep/, api--x.example.com, two.com',
      'allow-match': '*',
    },
  }),
  aSlice(),
  aService({ name: 'id', annotations: { host: 'shop.example.com/id' } }),
  aSlice({ service: 'shop/id' }),
  aService({ name: 'empty', annotations: { host: 'empty.example.com' } }),
  preview('pr-1'),
  preview('pr-12', { match: 'x-user=alice, x-team=red; baggage[user]="Jürgen K"; x-re~="a+b"; x-suf$=.de, !x-not' }),
  preview('pr-3', { match: 'x-user=alice' }),
  preview('pr-4', { match: 'x-user=alice' }),
  preview('share', { match: 'x-share^=1', percent: '20' }),
  preview('down', {}, { ready: false }),
  preview('fails', { 'when-unavailable': 'fail' }, { ready: false }),
  preview('copy', { mode: 'mirror', match: 'x-user*=li' }),
  preview('late', { expires: '2029-01-01T00:00:00Z' }),
  preview('wrong', { match: 'x-user~="("' }),
  aPod({ previewLabel: 'pr-7', name: 'id-pr-7', annotations: { intercept: 'id' }, ips: ['10.0.2.1'] }),
  aPod({ previewLabel: 'lone', name: 'empty-lone', annotations: { intercept: 'empty' }, ips: ['10.0.3.1'], ready: false }),
]);

const JURGEN = 'user=J%C3%BCrgen%20K;p=1';

describe('a gateway', () => {
  const CASES: readonly (readonly [Ask, string])[] = [
    [{}, 'baseline'],
    [{ headers: [['X-Detour', 'pr-1']] }, 'preview pr-1 by key > pr-1'],
    [{ headers: [['x-detour', ' , pr-12 ,pr-1']] }, 'preview pr-12 by key > pr-12'],
    [{ headers: [['x-detour', '%70r-1']] }, 'preview pr-1 by key > pr-1'],
    [{ headers: [['x-detour', 'pr-1%2C']] }, 'baseline > baseline'],
    [{ headers: [['x-detour', '']] }, 'baseline > baseline'],
    [{ headers: [['baggage', 'a=1, Detour = pr-1;p']] }, 'preview pr-1 by key > pr-1'],
    [{ headers: [['baggage', 'xdetour=pr-1;detour=pr-1']] }, 'baseline'],
    [{ headers: [['tracestate', 'v=1,detour=pr-12']] }, 'preview pr-12 by key > pr-12'],
    [{ headers: [['x-detour', 'pr-99']] }, 'baseline > baseline'],
    [{ headers: [['x-detour', 'pr-7']] }, 'baseline > baseline'],
    [{ path: '/id', headers: [['x-detour', 'pr-7']] }, 'preview pr-7 by key > pr-7'],
    [{ path: '/id/x?y', headers: [['x-detour', 'pr-7']] }, 'preview pr-7 by key > pr-7'],
    [{ path: '/id?y', headers: [['x-detour', 'pr-7']] }, 'preview pr-7 by key > pr-7'],
    [{ path: '/idle', headers: [['x-detour', 'pr-7']] }, 'baseline > baseline'],
    // Rules: more predicates first; then the earlier name, the other is shadowed.
    [{ headers: [['x-user', 'alice']] }, 'preview pr-3 by rule > pr-3'],
    [
      {
        headers: [
          ['x-user', 'alice'],
          ['X-Team', 'red'],
        ],
      },
      'preview pr-12 by rule > pr-12',
    ],
    [
      {
        headers: [
          ['x-user', 'alice'],
          ['x-user', 'bob'],
        ],
      },
      'baseline + copy to copy by rule > baseline',
    ],
    [{ headers: [['baggage', JURGEN]] }, 'preview pr-12 by rule > pr-12'],
    [{ headers: [['baggage', 'user=Jürgen%20K']] }, 'preview pr-12 by rule > pr-12'],
    [{ headers: [['baggage', 'user=Jürgen']] }, 'baseline'],
    [{ headers: [['x-re', 'aab']] }, 'preview pr-12 by rule > pr-12'],
    [{ headers: [['x-re', 'aabb']] }, 'baseline'],
    [{ headers: [['x-suf', 'a.de']] }, 'preview pr-12 by rule > pr-12'],
    [
      {
        headers: [
          ['x-suf', 'a.de'],
          ['x-not', ''],
        ],
      },
      'baseline',
    ],
    [{ headers: [['x-share', '17']] }, 'preview share by rule 20 % > share'],
    [{ headers: [['x-detour', 'share']] }, 'preview share by key 20 % > share'],
    // The key beats every rule, as does no key at all.
    [
      {
        headers: [
          ['x-user', 'alice'],
          ['x-detour', 'pr-1'],
        ],
      },
      'preview pr-1 by key > pr-1',
    ],
    [
      {
        headers: [
          ['x-user', 'alice'],
          ['x-detour', 'pr-99'],
        ],
      },
      'preview pr-3 by rule > pr-3',
    ],
    [{ headers: [['x-detour', 'down']] }, 'preview down by key > baseline; reason=preview-unavailable'],
    [{ headers: [['x-detour', 'fails']] }, 'preview fails by key'],
    // Mirrors take what nobody else does.
    [{ headers: [['x-detour', 'copy']] }, 'baseline + copy to copy by key > baseline'],
    [{ headers: [['x-user', 'kint']] }, 'baseline'],
    [{ headers: [['x-user', 'olivia']] }, 'baseline + copy to copy by rule > baseline'],
    [
      {
        headers: [
          ['x-detour', 'copy'],
          ['x-user', 'alice'],
        ],
      },
      'preview pr-3 by rule > pr-3',
    ],
    [{ headers: [['x-detour', 'late']] }, 'baseline > baseline'],
    [{ headers: [['x-detour', 'wrong']] }, 'baseline > baseline'],
    // Hosts.
    [{ host: 'SHOP.example.com:8080', headers: [['x-detour', 'pr-1']] }, 'preview pr-1 by key > pr-1'],
    [{ host: 'shop.example.com.', headers: [['x-detour', 'pr-1']] }, 'preview pr-1 by key > pr-1'],
    [{ host: 'nobody.example.com' }, 'unknown host'],
    [{ host: `${'a'.repeat(300)}.example.com` }, 'unknown host'],
    [{ host: 'empty.example.com' }, 'baseline'],
    [{ host: 'lone--empty.example.com' }, 'preview lone by key'],
    [{ host: 'pr-1--shop.example.com' }, 'preview pr-1 by key > pr-1'],
    [{ host: 'PR-12--shop.example.com:80', headers: [['x-detour', 'pr-1']] }, 'preview pr-12 by key > pr-12'],
    [{ host: 'pr-7--shop.example.com' }, 'baseline > baseline'],
    [{ host: 'pr-7--shop.example.com', headers: [['x-user', 'alice']] }, 'preview pr-3 by rule > pr-3'],
    [{ host: 'pr-9--shop.example.com:81' }, 'no preview pr-9, link shop.example.com:81'],
    [{ host: 'late--shop.example.com' }, 'no preview late, link shop.example.com'],
    [{ host: 'pr-1-x--shop.example.com' }, 'no preview pr-1-x, link shop.example.com'],
    [{ host: 'pr-1---shop.example.com' }, 'no preview pr-1-, link shop.example.com'],
    [{ host: 'xn--shop.example.com' }, 'unknown host'],
    [{ host: 'pr-1--nobody.example.com' }, 'unknown host'],
    [{ host: 'pr-1--two.com' }, 'unknown host'],
    [{ host: 'two.com', headers: [['x-detour', 'pr-1']] }, 'preview pr-1 by key > pr-1'],
    [{ host: 'api--x.example.com', headers: [['x-detour', 'pr-1']] }, 'preview pr-1 by key > pr-1'],
    [{ host: 'pr-1--api--x.example.com' }, 'unknown host'],
    [{ host: 'pr-1--api.preview.example.com' }, 'preview pr-1 by address > pr-1'],
    [{ host: 'copy--api.preview.example.com' }, 'preview copy by address > copy'],
    [{ host: 'share--api.preview.example.com' }, 'preview share by address > share'],
    [{ host: 'pr-7--api.preview.example.com' }, 'no preview pr-7, link undefined'],
    [{ host: 'pr-1--api--shop.preview.example.com' }, 'no preview pr-1, link undefined'],
  ];

  it.each(CASES)('%j: %s', (asked, expected) => {
    expect(summary(ask(MODEL, GATEWAY, asked))).toBe(expected);
  });

  const PREFLIGHT: Ask['headers'] = [
    ['Origin', 'https://app.example.com'],
    ['Access-Control-Request-Method', 'PUT'],
    ['Access-Control-Request-Headers', 'content-type,x-detour'],
  ];
  it('answers preflights that name a carrier', () => {
    expect(summary(ask(MODEL, GATEWAY, { method: 'OPTIONS', headers: PREFLIGHT }))).toBe('preflight');
    expect(summary(ask(MODEL, GATEWAY, { headers: PREFLIGHT }))).toBe('baseline');
    expect(summary(ask(MODEL, { ...GATEWAY, corsOrigins: [] }, { method: 'OPTIONS', headers: PREFLIGHT }))).toBe('baseline');
    const other: Ask['headers'] = [...(PREFLIGHT ?? []).slice(0, 2), ['access-control-request-headers', 'x-detours']];
    expect(summary(ask(MODEL, GATEWAY, { method: 'OPTIONS', headers: other }))).toBe('baseline');
  });

  it('says where the key came from, and whether anybody has it', () => {
    const key = (asked: Ask): unknown => ask(MODEL, GATEWAY, asked).key;
    expect(key({})).toBeUndefined();
    expect(key({ headers: [['x-detour', 'pr-7']] })).toEqual({
      text: 'pr-7',
      source: { kind: 'header', name: 'x-detour' },
      live: true,
    });
    expect(key({ headers: [['baggage', 'detour=nope']] })).toEqual({
      text: 'nope',
      source: { kind: 'baggage', member: 'detour' },
      live: false,
    });
    expect(key({ host: 'pr-1--shop.example.com' })).toEqual({
      text: 'pr-1',
      source: { kind: 'host', host: 'pr-1--shop.example.com' },
      live: true,
    });
  });

  it('marks what it decides, over what the client sent', () => {
    expect(ask(MODEL, GATEWAY, { headers: [['x-detour-decided', 'shop/api:80']] })).toMatchObject({
      outcome: { kind: 'baseline' },
      target: 'shop/api:80',
      decided: 'shop/api:80',
    });
  });

  it('has a reason for every intercept that lost', () => {
    const { losers } = ask(MODEL, GATEWAY, {
      headers: [
        ['x-user', 'alice'],
        ['x-detour', 'pr-99'],
      ],
    });
    expect(losers.map(({ intercept, code, reason }) => `${intercept.split('/')[1]}: ${code}: ${reason}`)).toMatchInlineSnapshot(`
      [
        "copy: beaten: Its rule matches, but preview pr-3 (Deployment shop/api-pr-3) takes the request, and mirrors get copies only of what nobody takes.",
        "down: no-match: The request's key is "pr-99", not down, and the intercept has no rule.",
        "fails: no-match: The request's key is "pr-99", not fails, and the intercept has no rule.",
        "late: expired: The intercept expired at 2029-01-01T00:00:00.000Z.",
        "pr-1: no-match: The request's key is "pr-99", not pr-1, and the intercept has no rule.",
        "pr-12: no-match: The request's key is "pr-99", not pr-12; its rule asks for x-team=red, and the request has no x-team; or for baggage[user]="Jürgen K", and the request has no baggage[user]; or for x-re~=a+b, and the request has no x-re; or for x-suf$=.de, and the request has no x-suf.",
        "pr-4: beaten: Its rule matches, but the rule of preview pr-3 (Deployment shop/api-pr-3) comes first: x-user=alice.",
        "share: no-match: The request's key is "pr-99", not share; its rule asks for x-share^=1, and the request has no x-share.",
      ]
    `);
    const byKey = ask(MODEL, GATEWAY, {
      headers: [
        ['x-user', 'alice'],
        ['x-detour', 'pr-1'],
      ],
    }).losers;
    expect(byKey.find(({ intercept }) => intercept.includes('/pr-3/'))?.reason).toMatchInlineSnapshot(
      `"Its rule matches, but the request names preview pr-1 (Deployment shop/api-pr-1), which goes before every rule."`,
    );
  });
});

describe('a sidecar', () => {
  const two = modelOf([
    aService({ clusterIPs: ['10.96.0.1', 'fd00::1'] }),
    aService({ name: 'admin', clusterIPs: [] }),
    aService({
      name: 'ports',
      ports: [aPort({ name: 'metrics', port: 9100 }), aPort({ name: 'db', port: 5432, appProtocol: 'tcp' })],
    }),
    aService({ namespace: 'pay', name: 'ledger', clusterIPs: [] }),
    aSlice({ endpoints: [anEndpoint({ pod: 'shop/api-0' })] }),
    aSlice({ service: 'shop/ports', ports: [{ name: 'metrics', port: 9100 }] }),
    preview('pr-1', { match: 'x-user=alice' }),
    preview('pr-2', {}, { ready: false }),
    preview('both', { intercept: 'api, admin', match: 'x-both=1' }, { name: 'both', createdAt: 3 }),
    preview('copy', { mode: 'mirror' }, { name: 'copy', createdAt: 4 }),
  ]);
  const inbound = { listen: { host: '0.0.0.0', port: 15080 }, app: { host: '127.0.0.1', port: 8080 } };
  const base: Extract<Scope, { kind: 'sidecar' }> = {
    kind: 'sidecar',
    namespace: 'shop',
    inbound: [{ ...inbound, services: [{ service: 'shop/api', port: 80 }] }],
    outbound: { host: '127.0.0.1', port: 15001 },
    services: ['pay/ledger'],
    previews: [],
    inBaselineOf: [],
  };
  const listener = { kind: 'inbound', port: 15080 } as const;
  const told = (scope: Scope, asked: Ask): string => summary(ask(two, scope, { listener, host: 'api', ...asked }));

  it('inbound: goes to previews, else to its own app', () => {
    expect(told(base, {})).toBe('app (baseline)');
    expect(told(base, { headers: [['x-detour', 'nobody']] })).toBe('app (baseline) > baseline');
    expect(told(base, { headers: [['x-detour', 'pr-1']] })).toBe('preview pr-1 by key > pr-1');
    expect(told(base, { host: 'whatever', headers: [['x-user', 'alice']] })).toBe('preview pr-1 by rule > pr-1');
    expect(told(base, { headers: [['x-detour', 'pr-2']] })).toBe('preview pr-2 by key > baseline; reason=preview-unavailable');
    expect(told(base, { headers: [['x-detour', 'copy']] })).toBe('app (baseline) + copy to copy by key > baseline');
  });

  it('inbound: does nothing that a hop before it has decided', () => {
    const decided: Ask = {
      headers: [
        ['x-detour', 'pr-1'],
        ['x-detour-decided', 'shop/api:80'],
      ],
    };
    expect(told(base, decided)).toBe('app (decided)');
    expect(
      told(base, {
        headers: [
          ['x-detour', 'pr-1'],
          ['x-detour-decided', 'shop/id:80'],
        ],
      }),
    ).toBe('preview pr-1 by key > pr-1');
  });

  it('inbound: keeps requests that are the pod’s own', () => {
    const own = [...(two.services.get('shop/api')?.intercepts ?? [])].filter(({ key }) => key === 'pr-1').map(({ id }) => id);
    expect(own).toHaveLength(1);
    const scope = { ...base, previews: own };
    expect(told(scope, { headers: [['x-detour', 'pr-1']] })).toBe('app (own) > pr-1');
    expect(told(scope, {})).toBe('app (baseline)');
    expect(told(scope, { headers: [['x-detour', 'both']] })).toBe('preview both by key > both');
    // In the baseline by mistake: what is meant for the Service goes on, by its names and ClusterIPs.
    const leaked: Scope = { ...scope, inBaselineOf: ['shop/api'] };
    expect(told(leaked, {})).toBe('baseline');
    expect(told(leaked, { host: 'api.shop.svc.cluster.local:80' })).toBe('baseline');
    expect(told(leaked, { host: '[fd00::1]' })).toBe('baseline');
    expect(told(leaked, { host: '10.0.1.1:8080' })).toBe('app (baseline)');
    expect(told(leaked, { headers: [['x-user', 'alice']] })).toBe('app (own) > pr-1');
    expect(told(leaked, { headers: [['x-detour', 'pr-2']] })).toBe('preview pr-2 by key > baseline; reason=preview-unavailable');
  });

  it('inbound: tells the Services of one port apart by their names', () => {
    const services = [
      { service: 'shop/admin', port: 80 },
      { service: 'shop/api', port: 80 },
    ] as const;
    const scope: Scope = { ...base, inbound: [{ ...inbound, services }] };
    const target = (host: string, headers: Ask['headers'] = []): unknown => ask(two, scope, { listener, host, headers }).target;
    expect(target('api.shop', [['x-both', '1']])).toBe('shop/api:80');
    expect(target('admin', [['x-both', '1']])).toBe('shop/admin:80');
    expect(target('other', [['x-both', '1']])).toBe('shop/admin:80');
    expect(target('admin', [['x-detour', 'pr-1']])).toBe('shop/admin:80');
    expect(told(scope, { host: 'admin', headers: [['x-detour', 'pr-1']] })).toBe('app (baseline) > baseline');
    expect(told(scope, { host: 'other', headers: [['x-detour', 'pr-1']] })).toBe('preview pr-1 by key > pr-1');
  });

  it('inbound: leaves alone what is not HTTP', () => {
    const scope: Scope = { ...base, inbound: [{ ...inbound, services: [{ service: 'shop/ports', port: 5432 }] }] };
    expect(told(scope, { headers: [['x-detour', 'pr-1']] })).toBe('app (unrouted)');
    expect(told({ ...base, inbound: [{ ...inbound, services: [] }] }, {})).toBe('app (unrouted)');
  });

  it.each([
    ['api', 'shop/api:80'],
    ['API.shop:80', 'shop/api:80'],
    ['api.shop.svc', 'shop/api:80'],
    ['api.shop.svc.cluster.local', 'shop/api:80'],
    ['10.96.0.1:80', 'shop/api:80'],
    ['[fd00::1]', 'shop/api:80'],
    ['api:81', undefined],
    ['api.pay', undefined],
    ['ports', 'shop/ports:9100'],
    ['ports:5432', undefined],
    ['ledger', undefined],
    ['ledger.pay', 'pay/ledger:80'],
  ])('outbound: %s is %s', (host, target) => {
    const explanation = ask(two, base, { listener: { kind: 'outbound' }, host });
    expect(explanation.target).toBe(target);
    expect(explanation.outcome.kind).toBe(target === undefined ? 'unknown' : 'baseline');
  });

  it('outbound: previews fall back to the baseline’s pods', () => {
    const out: Ask = { listener: { kind: 'outbound' } };
    expect(told(base, { ...out, headers: [['x-detour', 'pr-2']] })).toBe(
      'preview pr-2 by key > baseline; reason=preview-unavailable',
    );
    expect(told(base, { ...out, headers: [['x-detour', 'pr-1']] })).toBe('preview pr-1 by key > pr-1');
  });

  it('outbound, captured: goes on to where it was sent, unless there is an intercept', () => {
    const captured: Scope = { ...base, services: [], outbound: undefined, capture: ['ipv4'] };
    const out: Ask = { listener: { kind: 'outbound' } };
    expect(told(captured, { ...out, headers: [['x-detour', 'pr-1']] })).toBe('preview pr-1 by key > pr-1');
    expect(told(captured, { ...out, headers: [['x-detour', 'nobody']] })).toBe('baseline > baseline');
    for (const host of ['ledger.pay', 'ports', 'example.com'])
      expect(told(captured, { ...out, host, headers: [['x-detour', 'pr-1']] }), host).toBe('onward');
  });

  it('has to be told which listener', () => {
    const request = { method: 'GET', path: '/', headers: [] };
    const settings = { carriers: DEFAULT_CARRIERS };
    expect(explain(two, base, request, settings)).toHaveProperty('error');
    expect(explain(two, base, { ...request, listener: { kind: 'inbound', port: 1 } }, settings)).toHaveProperty('error');
    expect(explain(two, { kind: 'client' }, request, settings)).toHaveProperty('error');
  });
});
