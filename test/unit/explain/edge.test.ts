/** Gateways at which carriers do not count as they come. */
import { describe, expect, test } from 'vitest';
import { explanationText } from '../../../src/admin/explanation-text.ts';
import { signKey } from '../../../src/keys/signed-key.ts';
import { aPod, aService, aSlice } from '../../support/builders.ts';
import { type Ask, ask, GATEWAY, modelOf, summary } from './shop.ts';

const MODEL = modelOf([
  aService({ annotations: { host: 'shop.example.com, two--dashes.example.com, paths.example.com/only' } }),
  aSlice(),
  ...['pr-1', 'pr-2'].map((key, index) =>
    aPod({
      ...{ name: `api-${key}`, previewLabel: key, ips: [`10.0.1.${index + 1}`] },
      annotations: { intercept: 'api', ...(key === 'pr-2' && { match: 'x-user=alice' }) },
    }),
  ),
]);
const STRIP = { ...GATEWAY, carriers: { kind: 'strip' } } as const;
const SIGNED = { ...GATEWAY, carriers: { kind: 'signed', keysFile: '/keys' } } as const;
const sign = (key: string): string => signKey({ key, expires: 9_999_999_999 }, Buffer.alloc(32));

describe('a gateway that takes carriers away', () => {
  test.each<[Ask, string]>([
    [{}, 'baseline'],
    [{ headers: [['X-Detour', 'pr-1']] }, 'baseline'],
    [{ headers: [['x_detour', sign('pr-1')]] }, 'baseline'],
    [{ headers: [['baggage', 'a=1,%64etour=pr-1']] }, 'baseline'],
    [
      {
        headers: [
          ['x-user', 'alice'],
          ['x-detour', 'pr-1'],
        ],
      },
      'preview pr-2 by rule > pr-2',
    ],
    [{ host: 'pr-1--shop.example.com' }, 'no preview pr-1, link shop.example.com'],
    [{ host: 'PR-1--shop.example.com:8080' }, 'no preview pr-1, link shop.example.com:8080'],
    [{ host: 'pr-1--paths.example.com', path: '/' }, 'unknown path'],
    [{ host: 'pr-1--nobody.example.com' }, 'unknown host'],
    [{ host: 'pr-1--api.preview.example.com' }, 'no preview pr-1, link undefined'],
    [{ host: 'two--dashes.example.com' }, 'baseline'],
    [{ host: 'nobody.example.com' }, 'unknown host'],
    [
      {
        method: 'OPTIONS',
        headers: [
          ['origin', 'https://app.example.com'],
          ['access-control-request-method', 'GET'],
          ['access-control-request-headers', 'x-detour'],
        ],
      },
      'baseline',
    ],
  ])('%j: %s', (asked, expected) => {
    expect(summary(ask(MODEL, STRIP, asked))).toBe(expected);
  });
});

describe('a gateway that takes signed keys', () => {
  test.each<[Ask, string]>([
    [{ headers: [['x-detour', 'pr-1']] }, 'baseline'],
    [{ headers: [['x-detour', sign('pr-1')]] }, 'preview pr-1 by key > pr-1'],
    [
      {
        headers: [
          ['x-detour', 'pr-1'],
          ['baggage', `detour=${sign('pr-2')}`],
        ],
      },
      'preview pr-2 by key > pr-2',
    ],
    [{ headers: [['x-detour', sign('pr-9')]] }, 'baseline > baseline'],
    [{ headers: [['cookie', `__Host-detour=${sign('pr-1')}`]] }, 'baseline'],
    [{ host: 'pr-1--shop.example.com' }, 'unsigned'],
    [{ host: 'pr-9--shop.example.com' }, 'unsigned'],
    [{ host: 'pr-1---shop.example.com' }, 'no preview pr-1-, link shop.example.com'],
    [{ host: 'pr-1--shop.example.com', headers: [['x-detour', sign('pr-2')]] }, 'unsigned'],
    [{ host: 'pr-1--shop.example.com', headers: [['x-detour', sign('pr-1')]] }, 'preview pr-1 by key > pr-1'],
    [
      { host: 'pr-1--shop.example.com', headers: [['cookie', `a=1; __Host-detour=${sign('pr-1')}`]] },
      'preview pr-1 by key > pr-1',
    ],
    [{ host: 'pr-1--shop.example.com', path: `/a?b=1&detour=${sign('pr-1')}` }, 'cookie'],
    [{ host: 'pr-1--shop.example.com', path: `/?detour=${sign('pr-2')}` }, 'unsigned'],
    [{ host: 'pr-1--shop.example.com', path: `/?detour=${sign('pr-1')}`, method: 'POST' }, 'unsigned'],
    [{ host: 'pr-9--shop.example.com', headers: [['x-detour', sign('pr-9')]] }, 'no preview pr-9, link shop.example.com'],
    [{ host: 'pr-1--api.preview.example.com' }, 'unsigned'],
    [{ host: 'pr-1--api.preview.example.com', headers: [['x-detour', sign('pr-1')]] }, 'preview pr-1 by address > pr-1'],
  ])('%j: %s', (asked, expected) => {
    expect(summary(ask(MODEL, SIGNED, asked))).toBe(expected);
  });

  test('says that it cannot know the secrets, and how to get a signed key', () => {
    const text = explanationText(ask(MODEL, SIGNED, { host: 'pr-1--shop.example.com' }));
    expect(text).toContain('This gateway takes signed keys alone. Only it knows the secrets');
    expect(text).toContain('`detour sign pr-1` makes one.');
    expect(explanationText(ask(MODEL, STRIP, {}))).toContain('This gateway takes all carriers away');
    expect(explanationText(ask(MODEL, GATEWAY, {}))).not.toContain('This gateway');
  });
});
